"""`projects` and their redirect origins: how projects are created, found by their platform, renamed and promoted."""

from __future__ import annotations

import json
from collections.abc import Sequence

from dream.domain.project import OwnedProject, Project
from dream.runtime.bindings import Bound, Database, Row, Sql

_COLUMNS = "publishableKey, platformId, name, projectType, mode, testPublishableKey"

# Finds the project of this platform only. Another developer's project is not found.
FIND_OF_PLATFORM = Sql(f"SELECT {_COLUMNS} FROM projects WHERE publishableKey = ?1 AND platformId = ?2")

# Finds the live project that a test project was promoted to.
FIND_PROMOTED = Sql(f"SELECT {_COLUMNS} FROM projects WHERE testPublishableKey = ?1 AND platformId = ?2")

# Inserts a project. Its primary key refuses a second one.
ADD = Sql("""
INSERT INTO projects (publishableKey, platformId, name, projectType, mode, testPublishableKey, createdAt, updatedAt)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
""")

# Renames a project of this platform.
RENAME = Sql("UPDATE projects SET name = ?3, updatedAt = ?4 WHERE publishableKey = ?1 AND platformId = ?2")

# Lists the redirect origins of a project.
LIST_ORIGINS = Sql("SELECT origin FROM redirect_origins WHERE publishableKey = ?1 ORDER BY origin")

# Adds redirect origins (?2 is a JSON array) and ignores those that exist.
ADD_ORIGINS = Sql("""
INSERT OR IGNORE INTO redirect_origins (publishableKey, origin) SELECT ?1, value FROM json_each(?2)
""")

# Deletes all redirect origins of a project.
DELETE_ORIGINS = Sql("DELETE FROM redirect_origins WHERE publishableKey = ?1")

# Lists the redirect origins of every project of a platform.
LIST_ORIGINS_OF_PLATFORM = Sql("""
SELECT o.publishableKey, o.origin
FROM projects p JOIN redirect_origins o ON o.publishableKey = p.publishableKey
WHERE p.platformId = ?1 ORDER BY o.publishableKey, o.origin
""")


def project_from(row: Row) -> Project:
    """Maps a row that joins `projects` with the platform's `liveKeysUntil`. For modules of `db` only."""
    return Project(
        publishable_key=row["publishableKey"],
        platform_id=row["platformId"],
        name=row["name"],
        project_type=row["projectType"],
        mode=row["mode"],
        live_keys_until=row["liveKeysUntil"],
    )


def owned_project_from(row: Row) -> OwnedProject:
    """Maps a row of `projects`. For modules of `db` only."""
    return OwnedProject(
        publishable_key=row["publishableKey"],
        platform_id=row["platformId"],
        name=row["name"],
        project_type=row["projectType"],
        mode=row["mode"],
        test_publishable_key=row["testPublishableKey"],
    )


async def find_of_platform(db: Database, publishable_key: str, platform_id: str) -> OwnedProject | None:
    """The project, if it belongs to this platform."""
    row = await db.first(FIND_OF_PLATFORM, publishable_key, platform_id)
    return None if row is None else owned_project_from(row)


async def find_promoted(db: Database, test_publishable_key: str, platform_id: str) -> OwnedProject | None:
    """The live project that this test project was promoted to. None before the first promotion."""
    row = await db.first(FIND_PROMOTED, test_publishable_key, platform_id)
    return None if row is None else owned_project_from(row)


async def find_promoted_with_test_origins(
    db: Database, test_publishable_key: str, platform_id: str
) -> tuple[OwnedProject | None, tuple[str, ...]]:
    """The live project that this test project was promoted to, and the redirect origins of the test project."""
    promoted, origins = await db.batch(
        [FIND_PROMOTED.bind(test_publishable_key, platform_id), LIST_ORIGINS.bind(test_publishable_key)]
    )
    return owned_project_from(promoted[0]) if promoted else None, tuple(row["origin"] for row in origins)


def add(
    publishable_key: str,
    platform_id: str,
    name: str,
    project_type: str,
    mode: str,
    test_publishable_key: str | None,
    now: str,
) -> Bound:
    """Inserts a project. The batch raises ConstraintFailed if its publishable key exists already."""
    return ADD.bind(publishable_key, platform_id, name, project_type, mode, test_publishable_key, now)


def rename(publishable_key: str, platform_id: str, name: str, now: str) -> Bound:
    return RENAME.bind(publishable_key, platform_id, name, now)


def list_origins(publishable_key: str) -> Bound:
    """The origins that sign-up may redirect the project's end users to."""
    return LIST_ORIGINS.bind(publishable_key)


def add_origins(publishable_key: str, origins: Sequence[str]) -> Bound:
    """Adds redirect origins. Existing origins stay."""
    return ADD_ORIGINS.bind(publishable_key, json.dumps(list(origins)))


def replace_origins(publishable_key: str, origins: Sequence[str]) -> list[Bound]:
    """Replaces all redirect origins by these."""
    return [DELETE_ORIGINS.bind(publishable_key), add_origins(publishable_key, origins)]


def list_origins_of_platform(platform_id: str) -> Bound:
    """The redirect origins of every project of the platform."""
    return LIST_ORIGINS_OF_PLATFORM.bind(platform_id)
