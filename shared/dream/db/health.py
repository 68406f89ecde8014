"""Whether the database answers and has its schema."""

from __future__ import annotations

from dream.runtime.bindings import Database, Sql

ANY_PLATFORM = Sql("SELECT platformId AS answer FROM platforms WHERE platformId = ''")


async def touch(db: Database) -> None:
    """Reads one indexed value. Raises DatabaseFailed when D1 does not answer."""
    await db.value(ANY_PLATFORM)
