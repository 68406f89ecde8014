"""The stack's clock: real time plus an offset a test may set. Webhook signatures do not use it."""

from __future__ import annotations

import time
from typing import Protocol


class OffsetStore(Protocol):
    """Where the offset survives a restart."""

    def setting(self, name: str) -> str | None: ...

    def set_setting(self, name: str, value: str) -> None: ...


class Clock:
    """Seconds and milliseconds since 1970 as the whole stack currently sees them."""

    def __init__(self, store: OffsetStore) -> None:
        self._store = store
        self.offset_seconds = float(store.setting("clockOffsetSeconds") or 0)

    def set_offset(self, seconds: float) -> None:
        self.offset_seconds = seconds
        self._store.set_setting("clockOffsetSeconds", str(seconds))

    def seconds(self) -> int:
        return int(time.time() + self.offset_seconds)

    def milliseconds(self) -> int:
        return int((time.time() + self.offset_seconds) * 1000)
