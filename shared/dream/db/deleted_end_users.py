"""`deleted_end_users`: who left a project when, so that a token from before does not bring them back."""

from __future__ import annotations

from dream.runtime.bindings import Bound, Database, Sql

# A token is too old if it was issued at the moment of the deletion or before. Tokens count whole seconds.
IS_DELETED = """EXISTS (SELECT 1 FROM deleted_end_users g
    WHERE g.publishableKey = {project} AND g.clerkUserId = {user} AND g.deletedAt >= {issued})"""

RECORD = Sql("""
INSERT INTO deleted_end_users (publishableKey, clerkUserId, deletedAt)
SELECT publishableKey, clerkUserId, ?3 FROM end_users WHERE publishableKey = ?1 AND clerkUserId = ?2
ON CONFLICT (publishableKey, clerkUserId) DO UPDATE SET deletedAt = excluded.deletedAt
""")

DROP_OLD = Sql("DELETE FROM deleted_end_users WHERE deletedAt < ?1")


def record(publishable_key: str, user_id: str, now: str) -> Bound:
    """Remember the deletion. Comes before the deletion of the row; nothing happens for a user who is not known."""
    return RECORD.bind(publishable_key, user_id, now)


async def drop_old(db: Database, before: str) -> int:
    """Forget deletions before that moment (ISO 8601 UTC), when no token from before them is alive; how many."""
    return await db.run(DROP_OLD, before)
