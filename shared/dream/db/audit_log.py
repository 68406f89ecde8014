"""`audit_log`: who changed keys, tiers, payments and connections, by platform and project. An entry never holds a key."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dream.runtime.bindings import Bound, Database, Row, Sql

# Inserts one entry.
RECORD = Sql("""
INSERT INTO audit_log (platformId, publishableKey, actor, action, details, createdAt) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
""")

# Inserts one entry if the statement before it in the batch changed a row.
RECORD_IF_CHANGED = Sql("""
INSERT INTO audit_log (platformId, publishableKey, actor, action, details, createdAt)
SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE changes() > 0
""")

# Lists the latest entries of a platform that concern no project: its payments and its connected Stripe accounts.
RECENT_OF_PLATFORM = Sql("""
SELECT actor, action, details, createdAt FROM audit_log
WHERE platformId = ?1 AND publishableKey IS NULL ORDER BY createdAt DESC, auditId DESC LIMIT ?2
""")

# Lists the latest entries of each project of a platform.
RECENT_OF_PROJECTS = Sql("""
SELECT a.publishableKey, a.actor, a.action, a.details, a.createdAt
FROM projects p JOIN audit_log a ON a.auditId IN (
  SELECT auditId FROM audit_log WHERE publishableKey = p.publishableKey ORDER BY createdAt DESC, auditId DESC LIMIT ?2)
WHERE p.platformId = ?1
ORDER BY a.publishableKey, a.createdAt DESC, a.auditId DESC
""")


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change. `actor` is a Clerk user id or `stripe`; `created_at` is ISO 8601 UTC."""

    actor: str
    action: str
    details: Mapping[str, Any]
    created_at: str


def entry_from(row: Row) -> AuditEntry:
    """Maps a row of `audit_log`. For modules of `db` only."""
    return AuditEntry(row["actor"], row["action"], json.loads(row["details"]), row["createdAt"])


def record(
    platform_id: str, publishable_key: str | None, actor: str, action: str, details: Mapping[str, Any], now: str
) -> Bound:
    """Records a change. Goes into the batch of the change. Examples of `action`: `key.rotated`, `stripe.connected`."""
    return RECORD.bind(platform_id, publishable_key, actor, action, json.dumps(details), now)


def record_if_changed(
    platform_id: str, publishable_key: str | None, actor: str, action: str, details: Mapping[str, Any], now: str
) -> Bound:
    """Like `record`, but only if the change changed something. Goes directly after the change in its batch."""
    return RECORD_IF_CHANGED.bind(platform_id, publishable_key, actor, action, json.dumps(details), now)


async def commit_change(
    db: Database, change: Bound, audit: Bound, *, before: Sequence[Bound] = (), after: Sequence[Bound] = ()
) -> bool:
    """Runs a change that returns the rows it changed, with its audit entry, in one batch. Returns whether it changed any."""
    results = await db.batch([*before, change, audit, *after])
    return bool(results[len(before)])


def recent_of_projects(platform_id: str, count: int) -> Bound:
    """Up to `count` of the latest entries of each project of the platform, newest first."""
    return RECENT_OF_PROJECTS.bind(platform_id, count)


def recent_of_platform(platform_id: str, count: int) -> Bound:
    """Up to `count` of the latest entries of the platform that concern no project, newest first."""
    return RECENT_OF_PLATFORM.bind(platform_id, count)
