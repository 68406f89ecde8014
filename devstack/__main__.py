"""`python -m devstack COMMAND`: the local stack from a terminal. `make dev`, `make up` and others run this module."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from deploy.paths import ROOT
from devstack.stack.configuration import rate_limit_from_environment, read_overrides
from devstack.stack.ports import Ports, PortTaken
from devstack.stack.processes import command_of, end_group
from devstack.stack.resealing import reseal
from devstack.stack.secrets import Secrets, new_encryption_key
from devstack.stack.stack import BOOT_SECONDS, Stack, StackError, clean


def dev_folder() -> Path:
    return Path(os.environ.get("DREAM_DEV_DIR") or ROOT / ".dev").resolve()


def say(text: str) -> None:
    print(f"\033[2m  {text}\033[0m" if sys.stdout.isatty() else f"  {text}", flush=True)


def show(line: str) -> None:
    print(line, flush=True)


def describe(state: dict[str, Any]) -> str:
    """The text that `up` and `status` print: the addresses of a stack, its demo keys, and a call that works.

    `state` is the content of stack.json.
    """
    demo = state["demo"]
    return f"""
  dashboard       {state["frontend"]}
  api-multi       {state["apiMulti"]}
  front-auth-api  {state["frontAuthApi"]}
  oauth-api       {state["oauthApi"]}
  sign-up         {state["signUp"]}
  Stripe          {state["stripe"]}
  Clerk           {state["clerk"]}

  demo developer  {demo["developer"]["email"]} (password: {demo["developer"]["password"]})
  saas project    {demo["saas"]["publishableKey"]}
                  {demo["saas"]["secretKey"]}
  store project   {demo["store"]["publishableKey"]}
                  {demo["store"]["secretKey"]}

  Count one call of an end user on the free tier:

  curl -X POST {state["apiMulti"]}/api/data \\
    -H 'Authorization: Bearer {demo["saas"]["secretKey"]}' -H 'X-User-Id: user_1'
"""


def serve(*, quiet: bool) -> int:
    """Runs a stack until a signal stops it. `quiet` is for the stack that `up` starts in the background."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: _interrupt(stop))
    folder = dev_folder()
    stack = Stack(
        folder,
        Ports.from_environment(),
        rate_limit_per_minute=rate_limit_from_environment(),
        debug_round_trips=os.environ.get("DEBUG_ROUND_TRIPS", "1") == "1",
        overrides=read_overrides(),
        from_sources=True,
        keep_on_failure=not quiet,
        say=say,
        show=None if quiet else show,
    )
    started = time.monotonic()
    try:
        state = stack.start()
    except KeyboardInterrupt:
        return 130
    except (StackError, PortTaken, RuntimeError) as error:
        print(f"\ndream-api did not start: {error}", file=sys.stderr)
        return 1
    try:
        if not quiet:
            print(describe(state))
            say(f"ready after {time.monotonic() - started:.1f} s; Ctrl-C stops it; the log is also in {stack.log_path}")
        while not stop.wait(0.5):
            gone = [service.name for service in stack.services if not service.is_running]
            if gone:
                print(f"{', '.join(gone)} stopped unexpectedly. Read the end of {stack.log_path}.", file=sys.stderr)
                return 1
    except KeyboardInterrupt:
        pass
    finally:
        stack.stop()
    return 0


def _interrupt(stop: threading.Event) -> None:
    """Raises KeyboardInterrupt at the first signal only, so that later ones do not disturb the shutdown."""
    if not stop.is_set():
        stop.set()
        raise KeyboardInterrupt


def up() -> int:
    """Starts a stack in the background and returns when it is ready. If a stack already runs, prints its addresses.

    Returns the exit status: 1 if the stack did not start.
    """
    folder = dev_folder()
    started = not supervisor(folder)
    if started:
        _clean_up(folder)
        _start_in_background(folder)
    shown = 0
    deadline = time.monotonic() + 2 * BOOT_SECONDS
    while not (folder / "stack.json").exists():
        shown = _show_new(folder / "up.log", shown)
        if not supervisor(folder) or time.monotonic() > deadline:
            _show_new(folder / "up.log", shown)
            return 1
        time.sleep(0.1)
    if started:
        _show_new(folder / "up.log", shown)
    print(describe(json.loads((folder / "stack.json").read_text())))
    say(f"`make down` stops it; the log is in {folder / 'dev.log'}" if started else "it was already running")
    return 0


def _start_in_background(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "up.log").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "devstack", "serve"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    (folder / "supervisor.json").write_text(json.dumps({"pid": process.pid}))


def _show_new(file: Path, shown: int) -> int:
    """Prints the text of a file from the character `shown` on. Returns how many characters the file has."""
    text = file.read_text() if file.exists() else ""
    print(text[shown:], end="", flush=True)
    return len(text)


def down() -> int:
    """Stops the stack that `up` or `dev` started, and the services of a supervisor that was killed."""
    folder = dev_folder()
    pid = supervisor(folder)
    if pid:
        os.kill(pid, signal.SIGTERM)
        while command_of(pid):
            time.sleep(0.05)
    cleaned_up = _clean_up(folder)
    (folder / "supervisor.json").unlink(missing_ok=True)
    say("stopped" if pid or cleaned_up else "nothing was running")
    return 0


def supervisor(folder: Path) -> int | None:
    """The process id of the program that runs the stack in this folder, or None if none runs."""
    file = folder / "supervisor.json"
    if not file.exists():
        return None
    pid = json.loads(file.read_text())["pid"]
    return pid if "devstack" in command_of(pid) else None


def _clean_up(folder: Path) -> bool:
    """Ends the services of a supervisor that was killed. Returns whether any still ran.

    A process id may belong to another program by now. So a process is ended only if its command line is the recorded one.
    """
    (folder / "stack.json").unlink(missing_ok=True)
    file = folder / "processes.json"
    if not file.exists():
        return False
    found = [each for each in json.loads(file.read_text()) if command_of(each["pid"]) == each["command"]]
    for each in found:
        end_group(each["pid"])
    file.unlink()
    return bool(found)


def status() -> int:
    folder = dev_folder()
    if not supervisor(folder) or not (folder / "stack.json").exists():
        print("No stack is running. Run `make up`.")
        return 1
    print(describe(json.loads((folder / "stack.json").read_text())))
    return 0


def clean_data() -> int:
    if supervisor(dev_folder()):
        print("The stack is running. Run `make down` first.", file=sys.stderr)
        return 1
    clean(dev_folder())
    say(f"deleted {dev_folder()}")
    return 0


def rotate_encryption_key() -> int:
    """Adds a new encryption key, and runs the job with which the workers reseal the stored secret keys."""
    folder = dev_folder()
    was_running = bool(supervisor(folder))
    if was_running:
        down()
    Secrets.of_stack(folder).with_new_encryption_key().write(folder)
    if up():
        return 1
    checked, resealed = reseal(json.loads((folder / "stack.json").read_text()), Ports.from_environment())
    if not was_running:
        down()
    say(f"{checked} stored secret keys checked, {resealed} of them resealed")
    print(f"""
  In production, add a new entry before the existing ones, in every worker:

  wrangler secret put ENCRYPTION_KEYS      {new_encryption_key()},<the existing entries>

  The scheduled job of front-auth-api then reseals everything within minutes. It logs "nightly job done" for sealed_keys.
  Remove the older entries one day later: until then, stored idempotent answers may still need them.
""")
    return 0


def dev() -> int:
    folder = dev_folder()
    if supervisor(folder):
        print("dream-api is already running. Run `make down` to stop it.", file=sys.stderr)
        return 1
    _clean_up(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "supervisor.json").write_text(json.dumps({"pid": os.getpid()}))
    return serve(quiet=False)


COMMANDS = {
    "dev": dev,
    "serve": lambda: serve(quiet=True),
    "up": up,
    "down": down,
    "status": status,
    "clean-data": clean_data,
    "rotate-encryption-key": rotate_encryption_key,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="devstack", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    return COMMANDS[parser.parse_args().command]()


if __name__ == "__main__":
    sys.exit(main())
