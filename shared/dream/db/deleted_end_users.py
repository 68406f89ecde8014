"""`deleted_end_users`: who was deleted from a project and when, so that a token from before does not bring the user back."""

from __future__ import annotations

from dream.runtime.bindings import Bound, Database, Sql

IS_DELETED = """EXISTS (SELECT 1 FROM deleted_end_users g
    WHERE g.publishableKey = {project} AND g.clerkUserId = {user} AND g.deletedAt >= {issued})"""
"""Whether a token proves nothing, because its user was deleted when it was issued or later. Tokens count whole seconds."""

# Records the deletion of a user. Does nothing for a user whom the project does not know.
RECORD = Sql("""
INSERT INTO deleted_end_users (publishableKey, clerkUserId, deletedAt)
SELECT publishableKey, clerkUserId, ?3 FROM end_users WHERE publishableKey = ?1 AND clerkUserId = ?2
ON CONFLICT (publishableKey, clerkUserId) DO UPDATE SET deletedAt = excluded.deletedAt
""")

# Deletes records of deletions from before ?1.
DELETE_OLD = Sql("DELETE FROM deleted_end_users WHERE deletedAt < ?1")


def record(publishable_key: str, user_id: str, now: str) -> Bound:
    """Records the deletion. Comes before the deletion of the row in `end_users`."""
    return RECORD.bind(publishable_key, user_id, now)


async def delete_old(db: Database, before: str) -> int:
    """Deletes records from before that moment (ISO 8601 UTC), when every token from then has expired. Returns how many."""
    return await db.run(DELETE_OLD, before)
