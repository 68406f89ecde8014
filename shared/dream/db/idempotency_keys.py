"""`idempotency_keys`: who claimed a key, for which request, and what the first answer was."""

from __future__ import annotations

from dream.runtime.bindings import Database, Row, Sql

# Scopes hold the publishable key or the platform id, so these statements need no further tenant.
# Scope ?1, key ?2, fingerprint ?3, claim ?4, now ?5, answers lapse before ?6, claims are abandoned before ?7.
CLAIM = Sql("""
INSERT INTO idempotency_keys (scope, idempotencyKey, fingerprint, claimId, createdAt) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (scope, idempotencyKey) DO UPDATE SET
  fingerprint = excluded.fingerprint, claimId = excluded.claimId, createdAt = excluded.createdAt, answer = NULL
WHERE createdAt < ?6 OR (answer IS NULL AND fingerprint = excluded.fingerprint AND createdAt < ?7)
""")

READ = Sql("SELECT fingerprint, claimId, answer FROM idempotency_keys WHERE scope = ?1 AND idempotencyKey = ?2")

KEEP = Sql("UPDATE idempotency_keys SET answer = ?4 WHERE scope = ?1 AND idempotencyKey = ?2 AND claimId = ?3")

RELEASE = Sql("DELETE FROM idempotency_keys WHERE scope = ?1 AND idempotencyKey = ?2 AND claimId = ?3")

DROP_LAPSED = Sql("DELETE FROM idempotency_keys WHERE createdAt < ?1")


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
) -> Row:
    """Claim the key if it is free, and read who has it now, in one batch."""
    rows = await db.batch(
        [
            CLAIM.bind(scope, key, fingerprint, claim_id, now, lapsed_before, abandoned_before),
            READ.bind(scope, key),
        ]
    )
    return rows[1][0]


async def keep(db: Database, scope: str, key: str, claim_id: str, answer: str) -> None:
    """Store the sealed first answer."""
    await db.run(KEEP, scope, key, claim_id, answer)


async def release(db: Database, scope: str, key: str, claim_id: str) -> None:
    """Let the key go: its request came to nothing."""
    await db.run(RELEASE, scope, key, claim_id)


async def drop_lapsed(db: Database, before: str) -> int:
    """Delete keys older than `before` (ISO 8601 UTC); how many."""
    return await db.run(DROP_LAPSED, before)
