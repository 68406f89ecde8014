"""One process of a stack: started, listened to, and stopped with all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from devstack.paths import NODE, ROOT
from devstack.stack.log import Log

STOP_SECONDS = 10.0


class Service:
    """A child process in a process group of its own, so that stopping it leaves nothing behind."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Log,
        *,
        folder: Path = ROOT,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.name = name
        self.command = [os.fspath(part) for part in command]
        path = os.pathsep.join([str(NODE.parent), os.environ.get("PATH", "")])
        self._process = subprocess.Popen(
            self.command,
            cwd=folder,
            env={**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", **(environment or {})},
            # A service that reads its input learns from its end that the stack is gone.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=(log,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def _read(self, log: Log) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            log.write(self.name, line.decode(errors="replace").rstrip())

    def stop(self) -> None:
        """Asks the process to stop, insists after a while, and waits until its group is gone."""
        if self.is_running:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        end_group(self.pid, reap=self._process.poll)
        self._process.wait()
        self._reader.join(timeout=STOP_SECONDS)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()


def end_group(group: int, reap: Callable[[], object] = lambda: None) -> None:
    """Ends every process of a group, first politely. `reap` collects our own dead children, which would else keep the group."""
    deadline = time.monotonic() + STOP_SECONDS
    number = signal.SIGTERM
    while True:
        reap()
        try:
            os.killpg(group, number)
        except (ProcessLookupError, PermissionError):
            return
        if time.monotonic() > deadline:
            number = signal.SIGKILL
        time.sleep(0.05)
