"""A fake R2 in a dict. It refuses what R2 refuses."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from dream.errors import Unavailable
from dream.runtime.bindings import StoredObject
from tests.support.in_process.faults import Faults

MAXIMUM_KEY_BYTES = 1024
MAXIMUM_DELETED_KEYS = 1000


@dataclass(frozen=True)
class Stored:
    """One object with its HTTP metadata."""

    body: bytes
    content_type: str
    cache_control: str


class DictObjectStore:
    """One bucket."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.objects: dict[str, Stored] = {}
        self._faults = faults or Faults()

    async def _call(self) -> None:
        await asyncio.sleep(0)
        if self._faults.strikes():
            raise Unavailable(reason="a test told R2 to fail")

    async def get(self, key: str) -> StoredObject | None:
        await self._call()
        found = self.objects.get(key)
        if found is None:
            return None
        etag = hashlib.md5(found.body, usedforsecurity=False).hexdigest()
        return StoredObject(found.body, found.content_type, f'"{etag}"')

    async def put(self, key: str, body: bytes, content_type: str, cache_control: str) -> None:
        await self._call()
        if len(key.encode()) > MAXIMUM_KEY_BYTES:
            raise Unavailable(reason="put: The specified object name is not valid. (10020)")
        self.objects[key] = Stored(body, content_type, cache_control)

    async def delete(self, keys: Sequence[str]) -> None:
        if not keys:
            return
        await self._call()
        if len(keys) > MAXIMUM_DELETED_KEYS:
            raise Unavailable(reason="delete: You can only delete up to 1000 keys at once. (10017)")
        for key in keys:
            self.objects.pop(key, None)

    async def list(self, prefix: str) -> list[str]:
        await self._call()
        return sorted(key for key in self.objects if key.startswith(prefix))
