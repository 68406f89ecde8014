"""`events`: webhook events of Stripe and Clerk, each handled once, however often it comes."""

from __future__ import annotations

from dream.runtime.bindings import Bound, Database, Row, Sql

# Events are looked up by the vendor's own id, before it is known whose they are.
CLAIM = Sql("""
INSERT INTO events (eventId, source, type, account, livemode, createdAt, claimedAt, payload)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (eventId) DO UPDATE SET attempts = attempts + 1, claimedAt = excluded.claimedAt
RETURNING handledAt
""")

# Stands first in the batch of an event's effects: the trigger events_handled_once aborts a second one.
MARK_HANDLED = Sql("""
UPDATE events SET handledAt = ?2, outcome = ?3, reason = ?4, publishableKey = ?5 WHERE eventId = ?1
""")

DROP_OLD_PAYLOADS = Sql("UPDATE events SET payload = NULL WHERE payload IS NOT NULL AND claimedAt < ?1")

RECENT_OF_PROJECT = Sql("""
SELECT type, createdAt, outcome FROM events WHERE publishableKey = ?1 ORDER BY claimedAt DESC LIMIT ?2
""")


async def claim(
    db: Database,
    event_id: str,
    source: str,
    event_type: str,
    account: str | None,
    livemode: bool | None,
    created_at: str,
    now: str,
    payload: str,
) -> bool:
    """Note that the event came. Whether it still has to be handled."""
    flag = None if livemode is None else int(livemode)
    row = await db.first(CLAIM, event_id, source, event_type, account, flag, created_at, now, payload)
    return row is None or row["handledAt"] is None


def mark_handled(event_id: str, now: str, outcome: str, reason: str, publishable_key: str | None) -> Bound:
    return MARK_HANDLED.bind(event_id, now, outcome, reason or None, publishable_key)


async def drop_old_payloads(db: Database, before: str) -> int:
    """Forget raw payloads that came before that moment (ISO 8601 UTC); how many."""
    return await db.run(DROP_OLD_PAYLOADS, before)


async def recent_of_project(db: Database, publishable_key: str, count: int) -> list[Row]:
    """The project's latest events, newest first."""
    return await db.all(RECENT_OF_PROJECT, publishable_key, count)
