"""KV: the key-value store, used as a cache."""

from __future__ import annotations

import json
from typing import Any

from pyodide.ffi import JsException

from dream.runtime.context import RoundTrips

KV_MINIMUM_TTL_SECONDS = 60
"""KV refuses a shorter time to live."""


class KvNamespace:
    """KV with JSON values. It is only a cache, so a read that fails counts as a miss, and a write that fails is ignored."""

    __slots__ = ("_kv", "_trips")

    def __init__(self, kv: Any, trips: RoundTrips) -> None:
        self._kv = kv
        self._trips = trips

    async def get(self, key: str) -> Any | None:
        self._trips.kv_reads += 1
        try:
            text = await self._kv.get(key)
        except JsException:
            return None
        return json.loads(text) if isinstance(text, str) else None

    async def put(self, key: str, value: Any, ttl_seconds: int | None = None) -> None:
        self._trips.kv_writes += 1
        text = json.dumps(value)
        try:
            if ttl_seconds is None:
                await self._kv.put(key, text)
            else:
                await self._kv.put(key, text, expirationTtl=max(ttl_seconds, KV_MINIMUM_TTL_SECONDS))
        except JsException:
            return

    async def delete(self, key: str) -> None:
        self._trips.kv_writes += 1
        try:
            await self._kv.delete(key)
        except JsException:
            return

    async def probe(self) -> None:
        await self._kv.get("health")
