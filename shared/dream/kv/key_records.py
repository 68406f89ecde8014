"""`secretkey:{sha256}` and `publishablekey:{key}`: one JSON record per key, so that a new isolate finds a project without D1."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from dream.runtime.bindings import KeyValue

TTL_SECONDS = 60


def secret_key_name(secret_key_hash: str) -> str:
    return f"secretkey:{secret_key_hash}"


def publishable_key_name(publishable_key: str) -> str:
    return f"publishablekey:{publishable_key}"


async def read(kv: KeyValue, name: str) -> dict[str, Any] | None:
    return await kv.get(name)


async def write(kv: KeyValue, name: str, record: dict[str, Any]) -> None:
    await kv.put(name, record, TTL_SECONDS)


async def drop(kv: KeyValue, names: Sequence[str]) -> None:
    """Deletes these records."""
    await asyncio.gather(*(kv.delete(name) for name in names))
