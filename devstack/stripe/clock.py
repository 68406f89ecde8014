"""Owns the stand-in's time: the real clock plus an offset that only the clock control moves."""

import time

from devstack.stripe.store import Store


class Clock:
    """Seconds since 1970 as Stripe would see them. The offset outlives a restart."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.offset: int = store.setting("clock_offset", 0)

    def now(self) -> int:
        return int(time.time()) + self.offset

    def set_offset(self, seconds: int) -> None:
        self.offset = seconds
        self._store.set_setting("clock_offset", seconds)
