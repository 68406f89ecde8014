"""`one_time_tokens`: Connect tickets and OAuth states. Only their hashes are stored. The statement that takes one deletes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from dream.domain.keys import Mode
from dream.runtime.bindings import Database, Sql

Purpose: TypeAlias = Literal["connect_ticket", "connect_state"]
"""`one_time_tokens.purpose`."""

# Inserts a token.
ADD = Sql("""
INSERT INTO one_time_tokens (tokenHash, purpose, platformId, mode, browserHash, expiresAt) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
""")

# Deletes a token and returns it. It is found by its hash alone: whoever has the token may use it.
TAKE = Sql("""
DELETE FROM one_time_tokens WHERE tokenHash = ?1 AND purpose = ?2 RETURNING platformId, mode, browserHash, expiresAt
""")

# Deletes expired tokens.
DELETE_EXPIRED = Sql("DELETE FROM one_time_tokens WHERE expiresAt < ?1")


@dataclass(frozen=True, slots=True)
class OneTimeToken:
    """A token that was just taken. `browser_hash` is set on an OAuth state: the hash of the cookie of the browser that began."""

    platform_id: str
    mode: Mode
    browser_hash: str | None
    expires_at: str


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
    """Stores a new token, and deletes all expired tokens."""
    await db.batch(
        [DELETE_EXPIRED.bind(now), ADD.bind(token_hash, purpose, platform_id, mode, browser_hash, expires_at)]
    )


async def take(db: Database, token_hash: str, purpose: Purpose) -> OneTimeToken | None:
    """Takes the token, so that nobody can take it again. None if it was taken already or never existed. It may be expired."""
    row = await db.first(TAKE, token_hash, purpose)
    if row is None:
        return None
    return OneTimeToken(row["platformId"], row["mode"], row["browserHash"], row["expiresAt"])


async def delete_expired(db: Database, now: str) -> int:
    """Deletes expired tokens. Returns how many."""
    return await db.run(DELETE_EXPIRED, now)
