"""`projects` and their redirect origins."""

from __future__ import annotations

import json
from collections.abc import Sequence

from dream.runtime.bindings import Bound, Database, Row, Sql

# Of this platform only: another developer's project is as good as none.
FIND_OF_PLATFORM = Sql("""
SELECT publishableKey, platformId, name, projectType, mode, testPublishableKey FROM projects
WHERE publishableKey = ?1 AND platformId = ?2
""")

FIND_PROMOTED = Sql("""
SELECT publishableKey, platformId, name, projectType, mode, testPublishableKey FROM projects
WHERE testPublishableKey = ?1 AND platformId = ?2
""")

ADD = Sql("""
INSERT INTO projects (publishableKey, platformId, name, projectType, mode, testPublishableKey, createdAt, updatedAt)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
""")

RENAME = Sql("UPDATE projects SET name = ?3, updatedAt = ?4 WHERE publishableKey = ?1 AND platformId = ?2")

LIST_ORIGINS = Sql("SELECT origin FROM redirect_origins WHERE publishableKey = ?1 ORDER BY origin")

ADD_ORIGINS = Sql("""
INSERT OR IGNORE INTO redirect_origins (publishableKey, origin) SELECT ?1, value FROM json_each(?2)
""")

REMOVE_ORIGINS = Sql("DELETE FROM redirect_origins WHERE publishableKey = ?1")

LIST_ORIGINS_OF_PLATFORM = Sql("""
SELECT o.publishableKey, o.origin
FROM projects p JOIN redirect_origins o ON o.publishableKey = p.publishableKey
WHERE p.platformId = ?1 ORDER BY o.publishableKey, o.origin
""")


async def find_of_platform(db: Database, publishable_key: str, platform_id: str) -> Row | None:
    """The project, if it is this platform's."""
    return await db.first(FIND_OF_PLATFORM, publishable_key, platform_id)


def find_promoted(test_publishable_key: str, platform_id: str) -> Bound:
    """The live project that came of this test project."""
    return FIND_PROMOTED.bind(test_publishable_key, platform_id)


def add(
    publishable_key: str,
    platform_id: str,
    name: str,
    project_type: str,
    mode: str,
    test_publishable_key: str | None,
    now: str,
) -> Bound:
    """A new project; the constraint on its key refuses a second one."""
    return ADD.bind(publishable_key, platform_id, name, project_type, mode, test_publishable_key, now)


def rename(publishable_key: str, platform_id: str, name: str, now: str) -> Bound:
    return RENAME.bind(publishable_key, platform_id, name, now)


def list_origins(publishable_key: str) -> Bound:
    """Where end users may be sent back to."""
    return LIST_ORIGINS.bind(publishable_key)


def add_origins(publishable_key: str, origins: Sequence[str]) -> Bound:
    """Allow further origins; those that are allowed already stay."""
    return ADD_ORIGINS.bind(publishable_key, json.dumps(list(origins)))


def replace_origins(publishable_key: str, origins: Sequence[str]) -> list[Bound]:
    """Allow these origins and no others."""
    return [REMOVE_ORIGINS.bind(publishable_key), add_origins(publishable_key, origins)]


def list_origins_of_platform(platform_id: str) -> Bound:
    """The origins of all projects of the platform."""
    return LIST_ORIGINS_OF_PLATFORM.bind(platform_id)
