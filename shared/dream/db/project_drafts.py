"""`project_drafts`: what a request is creating at Stripe for a platform. A retry continues the draft and creates nothing twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from dream.domain.keys import Mode
from dream.runtime.bindings import Bound, Database, Row, Sql

# Inserts a draft, or starts the existing one of the same fingerprint again when it is too old to be continued.
# Draft ?1, platform ?2, fingerprint ?3, publishable key ?4, mode ?5, now ?6. A completed draft answers retries if it was
# completed after ?7 and its project still exists. An open draft is continued if it was created after ?8.
OPEN = Sql("""
INSERT INTO project_drafts (draftId, platformId, fingerprint, publishableKey, mode, createdAt) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (platformId, fingerprint) DO UPDATE SET
  draftId = excluded.draftId, publishableKey = excluded.publishableKey, createdAt = excluded.createdAt,
  made = '{}', settledAt = NULL
WHERE (settledAt IS NOT NULL AND (settledAt < ?7
    OR NOT EXISTS (SELECT 1 FROM projects p WHERE p.publishableKey = project_drafts.publishableKey)))
  OR (settledAt IS NULL AND createdAt < ?8)
""")

# Reads the draft of a fingerprint.
READ = Sql("""
SELECT draftId, publishableKey, made, settledAt FROM project_drafts WHERE platformId = ?1 AND fingerprint = ?2
""")

# Adds the ids ?2 (a JSON object by step) to those that the draft has.
SAVE_CREATED = Sql("UPDATE project_drafts SET made = json_patch(made, ?2) WHERE draftId = ?1")

# Marks a draft as completed.
COMPLETE = Sql("UPDATE project_drafts SET settledAt = ?2 WHERE draftId = ?1")

# Deletes a draft.
DELETE = Sql("DELETE FROM project_drafts WHERE draftId = ?1")

# For the schedule, over all platforms: lists open drafts created before ?1. A draft waits while the same project has a newer open
# one, which may still use what both created.
LIST_ABANDONED = Sql("""
SELECT draftId, platformId, publishableKey, mode, createdAt FROM project_drafts d
WHERE createdAt < ?1 AND settledAt IS NULL AND NOT EXISTS (
  SELECT 1 FROM project_drafts o
  WHERE o.publishableKey = d.publishableKey AND o.draftId <> d.draftId AND o.settledAt IS NULL AND o.createdAt >= ?1)
ORDER BY createdAt LIMIT ?2
""")

# Deletes old drafts.
DELETE_OLD = Sql("DELETE FROM project_drafts WHERE createdAt < ?1")


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """A draft as D1 has it. `created` has ids at Stripe by step."""

    draft_id: str
    publishable_key: str
    is_complete: bool
    created: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AbandonedDraft:
    """An open draft that no request continues any more."""

    draft_id: str
    platform_id: str
    publishable_key: str
    mode: Mode
    created_at: str


def _abandoned_from(row: Row) -> AbandonedDraft:
    return AbandonedDraft(row["draftId"], row["platformId"], row["publishableKey"], row["mode"], row["createdAt"])


async def open_draft(
    db: Database,
    draft_id: str,
    platform_id: str,
    fingerprint: str,
    publishable_key: str,
    mode: str,
    *,
    now: str,
    completed_after: str,
    created_after: str,
) -> StoredDraft:
    """The platform's draft of this fingerprint: an existing one, or a new one with this id and publishable key.

    An existing draft counts if it was completed after `completed_after`, or if it is open and was created after `created_after`.
    """
    _, rows = await db.batch(
        [
            OPEN.bind(draft_id, platform_id, fingerprint, publishable_key, mode, now, completed_after, created_after),
            READ.bind(platform_id, fingerprint),
        ]
    )
    row = rows[0]
    return StoredDraft(row["draftId"], row["publishableKey"], row["settledAt"] is not None, json.loads(row["made"]))


async def save_created(db: Database, draft_id: str, created: Mapping[str, str]) -> None:
    """Saves the ids that a failed attempt created, beside those of other attempts."""
    await db.run(SAVE_CREATED, draft_id, json.dumps(created))


def complete(draft_id: str, now: str) -> Bound:
    """Marks the draft as completed: its project exists. A retry of its request gets that project."""
    return COMPLETE.bind(draft_id, now)


def delete(draft_id: str) -> Bound:
    """Deletes the draft. What it created is in use, or is enqueued to be archived."""
    return DELETE.bind(draft_id)


async def list_abandoned(db: Database, before: str, count: int) -> list[AbandonedDraft]:
    """Up to `count` open drafts that were created before that moment (ISO 8601 UTC), the oldest first."""
    return [_abandoned_from(row) for row in await db.all(LIST_ABANDONED, before, count)]


async def delete_old(db: Database, before: str) -> int:
    """Deletes drafts that were created before that moment (ISO 8601 UTC). Returns how many."""
    return await db.run(DELETE_OLD, before)
