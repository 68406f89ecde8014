"""`checkout_sessions`: the last subscription checkout of an end user. It is open until `expiresAt`."""

from __future__ import annotations

from dataclasses import dataclass

from dream.db.outbox import insert_effects
from dream.runtime.bindings import Bound, Database, Row, Sql

# Finds the user's last session.
FIND_OF_USER = Sql("SELECT sessionId, expiresAt FROM checkout_sessions WHERE publishableKey = ?1 AND userId = ?2")

# Stores a session in place of the session ?6 that the caller knew. Of two calls at once, one stores its session; the other gets no
# row and starts over.
REPLACE = Sql("""
INSERT INTO checkout_sessions (publishableKey, userId, sessionId, tierName, expiresAt) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (publishableKey, userId) DO UPDATE SET
  sessionId = excluded.sessionId, tierName = excluded.tierName, expiresAt = excluded.expiresAt
WHERE checkout_sessions.sessionId IN (?6, excluded.sessionId)
RETURNING sessionId AS answer
""")

# Ends a session at ?3, if it does not end earlier.
CLOSE = Sql("UPDATE checkout_sessions SET expiresAt = min(expiresAt, ?3) WHERE publishableKey = ?1 AND sessionId = ?2")

# Enqueues the expiry of the user's open session on the account that is connected now.
ENQUEUE_EXPIRING_OF_USER = insert_effects(
    "'expire_session'",
    "c.sessionId",
    "json_object('mode', p.mode, 'account', t.stripeUserId, 'sessionId', c.sessionId)",
    "?3",
    """FROM checkout_sessions c
JOIN projects p ON p.publishableKey = c.publishableKey
JOIN stripe_tokens t ON t.platformId = p.platformId AND t.mode = p.mode AND t.status = 'connected'
WHERE c.publishableKey = ?1 AND c.userId = ?2 AND c.expiresAt > ?3""",
)

# Deletes the session of a user.
DELETE_OF_USER = Sql("DELETE FROM checkout_sessions WHERE publishableKey = ?1 AND userId = ?2")


@dataclass(frozen=True, slots=True)
class LastSession:
    """The session that was created last for a user, open until `expires_at` (ISO 8601 UTC)."""

    session_id: str
    expires_at: str


def session_from(rows: list[Row]) -> LastSession | None:
    """What FIND_OF_USER found. For modules of `db` only."""
    return LastSession(rows[0]["sessionId"], rows[0]["expiresAt"]) if rows else None


async def replace(
    db: Database,
    publishable_key: str,
    user_id: str,
    session_id: str,
    tier_name: str,
    expires_at: str,
    previous: str | None,
) -> bool:
    """Stores the user's session in place of the previous one. False if another call replaced the previous one first."""
    answer = await db.value(REPLACE, publishable_key, user_id, session_id, tier_name, expires_at, previous)
    return answer is not None


def close(publishable_key: str, session_id: str, now: str) -> Bound:
    """Records that the session takes no payment any more."""
    return CLOSE.bind(publishable_key, session_id, now)


def enqueue_expiring_of_user(publishable_key: str, user_id: str, now: str) -> Bound:
    """Enqueues the expiry of the user's session at Stripe, if it is open. Comes before the deletion of the row."""
    return ENQUEUE_EXPIRING_OF_USER.bind(publishable_key, user_id, now)


def delete_of_user(publishable_key: str, user_id: str) -> Bound:
    """Deletes the user's session from D1."""
    return DELETE_OF_USER.bind(publishable_key, user_id)
