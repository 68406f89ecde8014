"""The stack's time: the real time plus an offset that a test sets."""

from __future__ import annotations

import time


class Clock:
    """The workers' time, in seconds since 1970."""

    def __init__(self) -> None:
        self.offset_seconds = 0.0

    def now(self) -> float:
        return time.time() + self.offset_seconds
