"""`checkout_sessions`: the last subscription checkout of an end user, open until `expiresAt`."""

from __future__ import annotations

from dream.runtime.bindings import Bound, Database, Sql

FIND_OF_USER = Sql(
    "SELECT sessionId, tierName, expiresAt FROM checkout_sessions WHERE publishableKey = ?1 AND userId = ?2"
)

# Stored only over the session that the caller knew (?6): of two calls at once one wins, and the other starts over.
RECORD = Sql("""
INSERT INTO checkout_sessions (publishableKey, userId, sessionId, tierName, expiresAt) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (publishableKey, userId) DO UPDATE SET
  sessionId = excluded.sessionId, tierName = excluded.tierName, expiresAt = excluded.expiresAt
WHERE checkout_sessions.sessionId IN (?6, excluded.sessionId)
RETURNING sessionId AS answer
""")

CLOSE = Sql("UPDATE checkout_sessions SET expiresAt = min(expiresAt, ?3) WHERE publishableKey = ?1 AND sessionId = ?2")

OWE_EXPIRING_OF_USER = Sql("""
INSERT INTO outbox (kind, subject, payload, nextAttemptAt, createdAt)
SELECT 'expire_session', c.sessionId,
  json_object('mode', p.mode, 'account', t.stripeUserId, 'sessionId', c.sessionId), ?3, ?3
FROM checkout_sessions c
JOIN projects p ON p.publishableKey = c.publishableKey
JOIN stripe_tokens t ON t.platformId = p.platformId AND t.mode = p.mode AND t.status = 'connected'
WHERE c.publishableKey = ?1 AND c.userId = ?2 AND c.expiresAt > ?3
ON CONFLICT (kind, subject) DO NOTHING
""")

DELETE_OF_USER = Sql("DELETE FROM checkout_sessions WHERE publishableKey = ?1 AND userId = ?2")


def of_user(publishable_key: str, user_id: str) -> Bound:
    """The session that was made last for the user, open or not."""
    return FIND_OF_USER.bind(publishable_key, user_id)


async def record(
    db: Database,
    publishable_key: str,
    user_id: str,
    session_id: str,
    tier_name: str,
    expires_at: str,
    previous: str | None,
) -> bool:
    """Make this the user's session, in place of the previous one. Whether it is: False when somebody was faster."""
    answer = await db.value(RECORD, publishable_key, user_id, session_id, tier_name, expires_at, previous)
    return answer is not None


def close(publishable_key: str, session_id: str, now: str) -> Bound:
    """The session takes no payment any more."""
    return CLOSE.bind(publishable_key, session_id, now)


def owe_expiring_of_user(publishable_key: str, user_id: str, now: str) -> Bound:
    """Owe the end of the user's session, if it is open."""
    return OWE_EXPIRING_OF_USER.bind(publishable_key, user_id, now)


def delete_of_user(publishable_key: str, user_id: str) -> Bound:
    return DELETE_OF_USER.bind(publishable_key, user_id)
