"""`end_users`: who belongs to a project."""

from __future__ import annotations

from dream.bindings import Database, Sql

PROVISION = Sql("""
INSERT INTO end_users (publishableKey, clerkUserId, createdAt, updatedAt) VALUES (?1, ?2, ?3, ?3)
ON CONFLICT (publishableKey, clerkUserId) DO NOTHING
""")


async def provision(db: Database, publishable_key: str, user_id: str, now: str) -> None:
    """Make the user known to the project, on its default tier; nothing happens to one who is known."""
    await db.run(PROVISION, publishable_key, user_id, now)
