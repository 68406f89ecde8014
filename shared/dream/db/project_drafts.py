"""`project_drafts`: what is being made at Stripe for a platform, so that a retry continues it instead of making it again."""

from __future__ import annotations

import json
from collections.abc import Mapping

from dream.runtime.bindings import Bound, Database, Row, Sql

# Draft ?1, platform ?2, fingerprint ?3, publishable key ?4, mode ?5, now ?6, settled drafts are repeats after ?7, drafts are fresh
# after ?8: Stripe forgets idempotency keys after a day. A settled draft whose project is gone repeats nothing.
OPEN = Sql("""
INSERT INTO project_drafts (draftId, platformId, fingerprint, publishableKey, mode, createdAt) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (platformId, fingerprint) DO UPDATE SET
  draftId = excluded.draftId, publishableKey = excluded.publishableKey, createdAt = excluded.createdAt,
  made = '{}', settledAt = NULL
WHERE (settledAt IS NOT NULL AND (settledAt < ?7
    OR NOT EXISTS (SELECT 1 FROM projects p WHERE p.publishableKey = project_drafts.publishableKey)))
  OR (settledAt IS NULL AND createdAt < ?8)
""")

READ = Sql("""
SELECT draftId, publishableKey, made, settledAt FROM project_drafts WHERE platformId = ?1 AND fingerprint = ?2
""")

KEEP = Sql("UPDATE project_drafts SET made = json_patch(made, ?2) WHERE draftId = ?1")

SETTLE = Sql("UPDATE project_drafts SET settledAt = ?2 WHERE draftId = ?1")

DROP = Sql("DELETE FROM project_drafts WHERE draftId = ?1")

# Of all platforms, for the schedule. Not while another undertaking of the same project is open.
LIST_ABANDONED = Sql("""
SELECT draftId, platformId, publishableKey, mode, createdAt FROM project_drafts d
WHERE createdAt < ?1 AND settledAt IS NULL AND NOT EXISTS (
  SELECT 1 FROM project_drafts o
  WHERE o.publishableKey = d.publishableKey AND o.draftId <> d.draftId AND o.settledAt IS NULL AND o.createdAt >= ?1)
ORDER BY createdAt LIMIT ?2
""")

DROP_OLD = Sql("DELETE FROM project_drafts WHERE createdAt < ?1")


async def open_draft(
    db: Database,
    draft_id: str,
    platform_id: str,
    fingerprint: str,
    publishable_key: str,
    mode: str,
    *,
    now: str,
    repeats_after: str,
    fresh_after: str,
) -> Row:
    """The platform's draft of this fingerprint: the one that is there, else a new one with this id and publishable key."""
    rows = await db.batch(
        [
            OPEN.bind(draft_id, platform_id, fingerprint, publishable_key, mode, now, repeats_after, fresh_after),
            READ.bind(platform_id, fingerprint),
        ]
    )
    return rows[1][0]


async def keep(db: Database, draft_id: str, made: Mapping[str, str]) -> None:
    """Remember what a failed attempt made, beside what others did."""
    await db.run(KEEP, draft_id, json.dumps(made))


def settle(draft_id: str, now: str) -> Bound:
    """The project exists; until the draft lapses, a repeat of its request gets that project."""
    return SETTLE.bind(draft_id, now)


def drop(draft_id: str) -> Bound:
    """What was made is in use, or given up."""
    return DROP.bind(draft_id)


async def list_abandoned(db: Database, before: str, count: int) -> list[Row]:
    """Drafts that nobody has come back to since that moment (ISO 8601 UTC), the oldest first."""
    return await db.all(LIST_ABANDONED, before, count)


async def drop_old(db: Database, before: str) -> int:
    """Forget drafts that were opened before that moment (ISO 8601 UTC); how many."""
    return await db.run(DROP_OLD, before)
