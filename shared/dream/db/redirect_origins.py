"""`redirect_origins`: whether a token may be sent to an origin. How they are listed and changed is in `projects`."""

from __future__ import annotations

from dream.runtime.bindings import Database, Sql

ALLOWS = Sql("SELECT 1 AS answer FROM redirect_origins WHERE publishableKey = ?1 AND origin = ?2")


async def allows(db: Database, publishable_key: str, origin: str) -> bool:
    """Whether the project registered exactly this origin."""
    return await db.value(ALLOWS, publishable_key, origin) is not None
