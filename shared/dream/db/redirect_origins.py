"""`redirect_origins`: whether a token may be sent to an origin. `projects` lists and changes the origins."""

from __future__ import annotations

from dream.runtime.bindings import Database, Sql

# Whether the project registered exactly this origin.
ALLOWS = Sql("SELECT 1 AS answer FROM redirect_origins WHERE publishableKey = ?1 AND origin = ?2")


async def allows(db: Database, publishable_key: str, origin: str) -> bool:
    """Whether the project registered exactly this origin."""
    return await db.value(ALLOWS, publishable_key, origin) is not None
