"""A fake KV in a dict. It refuses what KV refuses, and values expire by the stack's clock."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dream.runtime.context import RoundTrips
from tests.support.in_process.faults import Faults

MINIMUM_TTL_SECONDS = 60
MAXIMUM_KEY_BYTES = 512
MAXIMUM_VALUE_BYTES = 25 * 1024 * 1024


@dataclass
class Namespace:
    """The content of a KV namespace: JSON text by key, and when it expires (seconds since 1970)."""

    now: Callable[[], float] = time.time
    values: dict[str, str] = field(default_factory=dict[str, str])
    lapses_at: dict[str, float] = field(default_factory=dict[str, float])

    def text(self, key: str) -> str | None:
        if self.lapses_at.get(key, float("inf")) <= self.now():
            self.delete(key)
        return self.values.get(key)

    def put(self, key: str, text: str, ttl_seconds: int | None) -> None:
        self.delete(key)
        self.values[key] = text
        if ttl_seconds is not None:
            self.lapses_at[key] = self.now() + ttl_seconds

    def delete(self, key: str) -> None:
        self.values.pop(key, None)
        self.lapses_at.pop(key, None)


class DictKeyValue:
    """KV for one request. A call that KV always refuses is a mistake in the caller, so it fails the test."""

    def __init__(
        self, namespace: Namespace | None = None, trips: RoundTrips | None = None, faults: Faults | None = None
    ) -> None:
        self._namespace = namespace or Namespace()
        self._trips = trips or RoundTrips()
        self._faults = faults or Faults()

    @property
    def values(self) -> dict[str, str]:
        return self._namespace.values

    @property
    def reads(self) -> int:
        return self._trips.kv_reads

    async def get(self, key: str) -> Any | None:
        self._trips.kv_reads += 1
        await asyncio.sleep(0)
        if self._faults.strikes() or len(key.encode()) > MAXIMUM_KEY_BYTES:
            return None
        text = self._namespace.text(key)
        return None if text is None else json.loads(text)

    async def put(self, key: str, value: Any, ttl_seconds: int | None = None) -> None:
        self._trips.kv_writes += 1
        await asyncio.sleep(0)
        text = json.dumps(value)
        assert len(key.encode()) <= MAXIMUM_KEY_BYTES, "KV refuses keys over 512 bytes"
        assert len(text.encode()) <= MAXIMUM_VALUE_BYTES, "KV refuses values over 25 MiB"
        assert ttl_seconds is None or ttl_seconds >= MINIMUM_TTL_SECONDS, "KV refuses a TTL under 60 seconds"
        if not self._faults.strikes():
            self._namespace.put(key, text, ttl_seconds)

    async def delete(self, key: str) -> None:
        self._trips.kv_writes += 1
        await asyncio.sleep(0)
        if not self._faults.strikes():
            self._namespace.delete(key)

    async def probe(self) -> None:
        await asyncio.sleep(0)
        if self._faults.strikes():
            raise ConnectionError("a test told KV to fail")
