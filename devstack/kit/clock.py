"""Owns a stand-in's time: real time plus an offset that only the clock control moves."""

import time
from collections.abc import Callable

from devstack.kit.store import Store

RealTime = Callable[[], float]
_SETTING = "clock_offset_seconds"


class SteppedTime:
    """Real time for tests in process: it stands still until a test steps it."""

    def __init__(self, start: float | None = None) -> None:
        self._now = time.time() if start is None else start

    def __call__(self) -> float:
        return self._now

    def step(self, seconds: float) -> None:
        self._now += seconds


class Clock:
    """Seconds since 1970, moved and unmoved. The offset survives a restart."""

    def __init__(self, store: Store, real_time: RealTime = time.time) -> None:
        self._store = store
        self._real_time = real_time
        self.offset_seconds: float = store.setting(_SETTING, 0)

    def set_offset(self, seconds: float) -> None:
        self.offset_seconds = seconds
        self._store.set_setting(_SETTING, seconds)

    def real(self) -> float:
        """Time without the offset. Signatures, retries and idempotency keys use it: their other side has no offset."""
        return self._real_time()

    def seconds(self) -> int:
        return int(self._real_time() + self.offset_seconds)

    def milliseconds(self) -> int:
        return int((self._real_time() + self.offset_seconds) * 1000)
