"""`one_time_tokens`: Connect tickets and OAuth states. Kept hashed; whoever takes one deletes it in the same statement."""

from __future__ import annotations

from typing import Literal, TypeAlias

from dream.runtime.bindings import Database, Row, Sql

Purpose: TypeAlias = Literal["connect_ticket", "connect_state"]
"""`one_time_tokens.purpose`."""

ADD = Sql("""
INSERT INTO one_time_tokens (tokenHash, purpose, platformId, mode, browserHash, expiresAt) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
""")

# By the hash alone: the token is the proof of whose it is.
TAKE = Sql("""
DELETE FROM one_time_tokens WHERE tokenHash = ?1 AND purpose = ?2 RETURNING platformId, mode, browserHash, expiresAt
""")

DROP_EXPIRED = Sql("DELETE FROM one_time_tokens WHERE expiresAt < ?1")


async def add(
    db: Database,
    token_hash: str,
    purpose: Purpose,
    platform_id: str,
    mode: str,
    browser_hash: str | None,
    expires_at: str,
    now: str,
) -> None:
    """Keep a new token, and forget all that have expired."""
    await db.batch([DROP_EXPIRED.bind(now), ADD.bind(token_hash, purpose, platform_id, mode, browser_hash, expires_at)])


async def take(db: Database, token_hash: str, purpose: Purpose) -> Row | None:
    """The token, which is gone from now on; None when there is none, be it taken or never there."""
    return await db.first(TAKE, token_hash, purpose)


async def drop_expired(db: Database, now: str) -> int:
    """Delete tokens that nobody took in time; how many."""
    return await db.run(DROP_EXPIRED, now)
