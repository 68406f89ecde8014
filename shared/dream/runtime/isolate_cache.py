"""What an isolate remembers between requests: a map of limited size whose entries expire.

It holds plain values only. A promise or a lock of one request must not be awaited by another: the runtime forbids it.
"""

from __future__ import annotations

import time
from typing import Generic, TypeVar

Value = TypeVar("Value")


class IsolateCache(Generic[Value]):
    """Holds at most `size` entries, each for at most `ttl_seconds`. If it is full, the oldest entry is removed."""

    def __init__(self, size: int, ttl_seconds: float) -> None:
        self.size = size
        self.ttl_seconds = ttl_seconds
        self._entries: dict[str, tuple[float, Value]] = {}

    def get(self, key: str) -> Value | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[0] < time.time():
            del self._entries[key]
            return None
        return entry[1]

    def put(self, key: str, value: Value, ttl_seconds: float | None = None) -> None:
        """Stores `value`. `ttl_seconds` can shorten the cache's own time to live, but not extend it."""
        ttl = self.ttl_seconds if ttl_seconds is None else min(ttl_seconds, self.ttl_seconds)
        self._entries.pop(key, None)
        if ttl <= 0:
            return
        if len(self._entries) >= self.size:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = (time.time() + ttl, value)

    def drop(self, key: str) -> None:
        self._entries.pop(key, None)

    def clear(self) -> None:
        self._entries.clear()
