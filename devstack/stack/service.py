"""Owns one process of a stack: starts it, writes its output to the log, and stops it with its child processes."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from deploy.paths import NODE, ROOT
from devstack.stack.log import Log
from devstack.stack.processes import STOP_SECONDS, end_group


class Service:
    """A process in a process group of its own. Stopping it ends the whole group."""

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
            # This input ends when the stack's process ends, even if it is killed. A service that reads it can then stop.
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
        """Sends SIGTERM, after STOP_SECONDS SIGKILL, and waits until the whole process group has ended."""
        if self.is_running:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        end_group(self.pid)
        self._process.wait()
        self._reader.join(timeout=STOP_SECONDS)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
