"""Finds the browser for tests and screenshots, or installs one. `make browser` runs this module.

It uses an installed Chromium, Chrome or Edge, else the Chromium that Playwright downloaded. `DREAM_BROWSER` names another
program. Only installing with apt needs root; it is the last attempt.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

# Names that are looked up on the PATH.
PROGRAMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "microsoft-edge-stable",
)
# On macOS: paths below /Applications or ~/Applications.
APPLICATIONS = (
    "Chromium.app/Contents/MacOS/Chromium",
    "Google Chrome.app/Contents/MacOS/Google Chrome",
    "Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
# Chromium's sandbox does not work in most containers. The browser opens only pages of this repository.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
VERSION_SECONDS = 30
PLAYWRIGHT_SECONDS = 240
APT_SECONDS = 600


class NoBrowser(Exception):
    """There is no browser on this machine. The message says how to get one."""

    def __init__(self) -> None:
        named = os.environ.get("DREAM_BROWSER")
        super().__init__(
            f"DREAM_BROWSER is {named}, which does not start: set it to the path of a Chromium, Chrome or Edge, or unset it"
            if named
            else "no browser found: run `make browser`, or set DREAM_BROWSER to a Chromium, Chrome or Edge"
        )


@contextmanager
def open_browser() -> Generator[Browser, None, None]:
    """Starts a browser without a window, and closes it at the end. Raises NoBrowser if there is none."""
    with sync_playwright() as playwright:
        program = find(playwright)
        if program is None:
            raise NoBrowser
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def find(playwright: Playwright) -> Path | None:
    """The first browser that starts, or None."""
    return next((program for program in _candidates(playwright) if _starts(program)), None)


def _candidates(playwright: Playwright) -> Iterator[Path]:
    """Paths at which a browser may be, the preferred one first."""
    if named := os.environ.get("DREAM_BROWSER"):
        yield Path(named)
        return
    for name in PROGRAMS:
        if found := shutil.which(name):
            yield Path(found)
    if sys.platform == "darwin":
        for folder in (Path("/Applications"), Path.home() / "Applications"):
            yield from (folder / application for application in APPLICATIONS)
    yield Path(playwright.chromium.executable_path)


@cache
def _starts(program: Path) -> bool:
    """Whether the program runs and Playwright can control it.

    The Chromium of Ubuntu's snap runs, but it cannot read the profile folder that Playwright creates.
    """
    if not program.is_file():
        return False
    try:
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=False, timeout=VERSION_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and not answer.stdout.strip().endswith("snap")


def install(say: Callable[[str], None]) -> Path | None:
    """Finds a browser, or installs Chromium with Playwright or apt. Returns None if neither can."""
    if (found := _find()) or "DREAM_BROWSER" in os.environ:
        return found
    say("no browser is installed; downloading Chromium with Playwright")
    if _run([sys.executable, "-m", "playwright", "install", "--no-shell", "chromium"], PLAYWRIGHT_SECONDS) and (
        found := _find()
    ):
        return found
    prefix = _apt_prefix()
    if prefix is None:
        return None
    say("Playwright could not download Chromium; installing it with apt")
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    if _run([*apt, "update"], APT_SECONDS) and _run([*apt, "install", "--yes", "chromium"], APT_SECONDS):
        return _find()
    return None


def _find() -> Path | None:
    _starts.cache_clear()
    with sync_playwright() as playwright:
        return find(playwright)


def _apt_prefix() -> list[str] | None:
    """The words before an apt command: none for root, `sudo -n` for others. None if apt cannot be used without a password."""
    if not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return []
    return ["sudo", "-n"] if shutil.which("sudo") and _run(["sudo", "-n", "true"], VERSION_SECONDS) else None


def _run(command: Sequence[str], seconds: int) -> bool:
    """Runs a command without output. Returns whether it succeeded within `seconds`; else ends its whole process group."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        return False


def main() -> int:
    found = install(lambda text: print(f"==> {text}", flush=True))
    if found is None:
        print(f"{NoBrowser()}. Until then, tests that need a browser are skipped.", file=sys.stderr)
        return 1
    print(f"==> browser: {found}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
