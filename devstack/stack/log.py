"""Owns the log of a stack: each line of each service, with the time and the name of the service."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path


class Log:
    """Appends each line to a file. `show` is called with each line too."""

    def __init__(self, file: Path, show: Callable[[str], None] | None = None) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self.path = file
        self._file = file.open("a", encoding="utf-8")
        self._show = show
        self._lock = threading.Lock()

    def write(self, service: str, line: str) -> None:
        text = f"{time.strftime('%H:%M:%S')} {service:<8} | {line}"
        with self._lock:
            if self._file.closed:
                return
            self._file.write(text + "\n")
            self._file.flush()
            if self._show:
                self._show(text)

    def close(self) -> None:
        with self._lock:
            self._file.close()
