"""`audit_log`: who changed keys, tiers, payments and connections, per platform and project. Never holds a key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dream.runtime.bindings import Bound, Database, Row, Sql

RECORD = Sql("""
INSERT INTO audit_log (platformId, publishableKey, actor, action, details, createdAt) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
""")

# Right behind the change: none is noted when it changed nothing.
RECORD_IF_CHANGED = Sql("""
INSERT INTO audit_log (platformId, publishableKey, actor, action, details, createdAt)
SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE changes() > 0
""")

RECENT_OF_PROJECT = Sql("""
SELECT actor, action, details, createdAt FROM audit_log WHERE publishableKey = ?1 ORDER BY createdAt DESC, auditId DESC LIMIT ?2
""")

# What concerns no project: payments at dream-api, connected Stripe accounts.
RECENT_OF_PLATFORM = Sql("""
SELECT actor, action, details, createdAt FROM audit_log
WHERE platformId = ?1 AND publishableKey IS NULL ORDER BY createdAt DESC, auditId DESC LIMIT ?2
""")

# The latest entries of each project of a platform.
RECENT_OF_PROJECTS = Sql("""
SELECT a.publishableKey, a.actor, a.action, a.details, a.createdAt
FROM projects p JOIN audit_log a ON a.auditId IN (
  SELECT auditId FROM audit_log WHERE publishableKey = p.publishableKey ORDER BY createdAt DESC, auditId DESC LIMIT ?2)
WHERE p.platformId = ?1
ORDER BY a.publishableKey, a.createdAt DESC, a.auditId DESC
""")


def record(
    platform_id: str, publishable_key: str | None, actor: str, action: str, details: Mapping[str, Any], now: str
) -> Bound:
    """A statement for the batch of the change itself. `action` reads like `key.rotated`, `tier.updated`, `stripe.connected`."""
    return RECORD.bind(platform_id, publishable_key, actor, action, json.dumps(details), now)


def record_if_changed(
    platform_id: str, publishable_key: str | None, actor: str, action: str, details: Mapping[str, Any], now: str
) -> Bound:
    """As `record`, for the place right behind a change that may find nothing to change."""
    return RECORD_IF_CHANGED.bind(platform_id, publishable_key, actor, action, json.dumps(details), now)


async def recent_of_project(db: Database, publishable_key: str, count: int) -> list[Row]:
    """The project's latest entries, newest first."""
    return await db.all(RECENT_OF_PROJECT, publishable_key, count)


def recent_of_projects(platform_id: str, count: int) -> Bound:
    """Up to `count` latest entries of each of the platform's projects, newest first."""
    return RECENT_OF_PROJECTS.bind(platform_id, count)


def recent_of_platform(platform_id: str, count: int) -> Bound:
    """The platform's latest entries that are of no project, newest first."""
    return RECENT_OF_PLATFORM.bind(platform_id, count)
