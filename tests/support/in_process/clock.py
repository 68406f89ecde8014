"""The stack's time: the real clock plus an offset that a test moves."""

from __future__ import annotations

import time


class Clock:
    """Seconds since the epoch as the workers see them."""

    def __init__(self) -> None:
        self.offset_seconds = 0.0

    def now(self) -> float:
        return time.time() + self.offset_seconds
