"""`idempotency_keys`: which request claimed a key, and the first answer to it.

A scope begins with the publishable key or the platform id, so the statements take no further tenant.
"""

from __future__ import annotations

from dataclasses import dataclass

from dream.runtime.bindings import Bound, Database, Row, Sql

NEVER = ""
"""A moment before all others."""

# Claims the key ?2 in scope ?1 for the request with fingerprint ?3, as claim ?4, at ?5. An older claim is replaced if its answer
# has lapsed (it is from before ?6), or if it is of the same request, has no answer, and is from before ?7: that request died.
CLAIM = Sql("""
INSERT INTO idempotency_keys (scope, idempotencyKey, fingerprint, claimId, createdAt) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (scope, idempotencyKey) DO UPDATE SET
  fingerprint = excluded.fingerprint, claimId = excluded.claimId, createdAt = excluded.createdAt, answer = NULL
WHERE createdAt < ?6 OR (answer IS NULL AND fingerprint = excluded.fingerprint AND createdAt < ?7)
""")

# Reads who holds a key, and the answer if there is one.
READ = Sql("SELECT fingerprint, claimId, answer FROM idempotency_keys WHERE scope = ?1 AND idempotencyKey = ?2")

# Stores the first answer, if the claim is still held.
STORE_ANSWER = Sql("UPDATE idempotency_keys SET answer = ?4 WHERE scope = ?1 AND idempotencyKey = ?2 AND claimId = ?3")

# Releases a key, if the claim is still held.
RELEASE = Sql("DELETE FROM idempotency_keys WHERE scope = ?1 AND idempotencyKey = ?2 AND claimId = ?3")

# Deletes keys whose answers have lapsed.
DELETE_LAPSED = Sql("DELETE FROM idempotency_keys WHERE createdAt < ?1")


@dataclass(frozen=True, slots=True)
class Claim:
    """Who holds a key. `answer` is the first answer, encrypted; None while the request is being answered."""

    fingerprint: str
    claim_id: str
    answer: str | None


def _claim_from(row: Row) -> Claim:
    return Claim(row["fingerprint"], row["claimId"], row["answer"])


def claim_statement(
    scope: str,
    key: str,
    fingerprint: str,
    claim_id: str,
    *,
    now: str,
    lapsed_before: str,
    abandoned_before: str = NEVER,
) -> Bound:
    """Claims the key if it is free. Moments are ISO 8601 UTC."""
    return CLAIM.bind(scope, key, fingerprint, claim_id, now, lapsed_before, abandoned_before)


async def claim(
    db: Database,
    scope: str,
    key: str,
    fingerprint: str,
    claim_id: str,
    *,
    now: str,
    lapsed_before: str,
    abandoned_before: str,
) -> Claim:
    """Claims the key if it is free, and returns who holds it now, in one batch. Moments are ISO 8601 UTC."""
    _, held = await db.batch(
        [
            claim_statement(
                scope,
                key,
                fingerprint,
                claim_id,
                now=now,
                lapsed_before=lapsed_before,
                abandoned_before=abandoned_before,
            ),
            READ.bind(scope, key),
        ]
    )
    return _claim_from(held[0])


async def store_answer(db: Database, scope: str, key: str, claim_id: str, answer: str) -> None:
    """Stores the encrypted first answer."""
    await db.run(STORE_ANSWER, scope, key, claim_id, answer)


async def release(db: Database, scope: str, key: str, claim_id: str) -> None:
    """Releases the key, so that a retry of the request is handled like a new one."""
    await db.run(RELEASE, scope, key, claim_id)


async def delete_lapsed(db: Database, before: str) -> int:
    """Deletes keys older than `before` (ISO 8601 UTC). Returns how many."""
    return await db.run(DELETE_LAPSED, before)
