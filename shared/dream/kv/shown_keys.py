"""`user:{userId}:secretKey:{mode}`: the sealed secret key that the dashboard shows.

It is only a cache: an entry counts only while its hash is the hash of the project's current key in D1.
"""

from __future__ import annotations

from dataclasses import dataclass

from dream.domain.keys import Mode
from dream.runtime.bindings import KeyValue

TTL_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class ShownKey:
    """A sealed secret key and its hash."""

    secret_key_hash: str
    sealed: str


def _name(user_id: str, mode: Mode) -> str:
    return f"user:{user_id}:secretKey:{mode}"


async def read(kv: KeyValue, user_id: str, mode: Mode) -> ShownKey | None:
    entry = await kv.get(_name(user_id, mode))
    return None if entry is None else ShownKey(entry["secretKeyHash"], entry["sealed"])


async def write(kv: KeyValue, user_id: str, mode: Mode, key: ShownKey) -> None:
    await kv.put(_name(user_id, mode), {"secretKeyHash": key.secret_key_hash, "sealed": key.sealed}, TTL_SECONDS)


async def drop(kv: KeyValue, user_id: str, mode: Mode) -> None:
    """Deletes the entry. Call it when the key was rotated, revoked or deleted."""
    await kv.delete(_name(user_id, mode))
