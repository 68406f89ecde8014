"""Owns a stand-in's time: the real time plus an offset. Only the clock control changes the offset."""

import time
from collections.abc import Callable

from devstack.kit.store import Store

RealTime = Callable[[], float]
_SETTING = "clock_offset_seconds"


class SteppedTime:
    """A replacement for the real time, for tests in process. It advances only when a test calls `step`."""

    def __init__(self, start: float | None = None) -> None:
        self._now = time.time() if start is None else start

    def __call__(self) -> float:
        return self._now

    def step(self, seconds: float) -> None:
        self._now += seconds


class Clock:
    """The time with the offset and without it, since 1970. The offset is stored, so it survives a restart."""

    def __init__(self, store: Store, real_time: RealTime = time.time) -> None:
        self._store = store
        self._real_time = real_time
        self.offset_seconds: float = store.setting(_SETTING, 0)

    def set_offset(self, seconds: float) -> None:
        self.offset_seconds = seconds
        self._store.set_setting(_SETTING, seconds)

    def real(self) -> float:
        """Seconds without the offset. Signatures, retries and idempotency keys use it, because their receivers use real time."""
        return self._real_time()

    def seconds(self) -> int:
        return int(self._real_time() + self.offset_seconds)

    def milliseconds(self) -> int:
        return int((self._real_time() + self.offset_seconds) * 1000)
