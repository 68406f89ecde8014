"""`events`: webhook events of Stripe and Clerk. Each is handled once, however often it comes."""

from __future__ import annotations

from dataclasses import dataclass

from dream.runtime.bindings import Bound, Database, Row, Sql

# Inserts an event, or counts another attempt. It has no publishableKey: an event is found by the vendor's id, before it is matched
# to a project.
CLAIM = Sql("""
INSERT INTO events (eventId, source, type, account, livemode, createdAt, claimedAt, payload)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (eventId) DO UPDATE SET attempts = attempts + 1, claimedAt = excluded.claimedAt
RETURNING handledAt
""")

# Marks an event as handled. Stands first in the batch of its statements: the trigger events_handled_once aborts a second one.
MARK_HANDLED = Sql("""
UPDATE events SET handledAt = ?2, outcome = ?3, reason = ?4, publishableKey = ?5 WHERE eventId = ?1
""")

# Deletes the payloads of events that came before ?1.
DELETE_OLD_PAYLOADS = Sql("UPDATE events SET payload = NULL WHERE payload IS NOT NULL AND claimedAt < ?1")

# Lists the latest events of a project, the newest first.
RECENT_OF_PROJECT = Sql("""
SELECT type, createdAt, outcome FROM events WHERE publishableKey = ?1 ORDER BY claimedAt DESC LIMIT ?2
""")


@dataclass(frozen=True, slots=True)
class RecentEvent:
    """An event as the dashboard shows it. `outcome` is None while the event is not handled."""

    type: str
    created_at: str
    outcome: str | None


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
    """Records that the event came. Returns whether it still has to be handled."""
    flag = None if livemode is None else int(livemode)
    row = await db.first(CLAIM, event_id, source, event_type, account, flag, created_at, now, payload)
    return row is None or row["handledAt"] is None


def mark_handled(event_id: str, now: str, outcome: str, reason: str, publishable_key: str | None) -> Bound:
    """Marks the event as handled. Stands first in the batch of the event's statements."""
    return MARK_HANDLED.bind(event_id, now, outcome, reason or None, publishable_key)


async def delete_old_payloads(db: Database, before: str) -> int:
    """Deletes raw payloads that came before that moment (ISO 8601 UTC). Returns how many."""
    return await db.run(DELETE_OLD_PAYLOADS, before)


def recent_events_from(rows: list[Row]) -> tuple[RecentEvent, ...]:
    """What RECENT_OF_PROJECT found. For modules of `db` only."""
    return tuple(RecentEvent(row["type"], row["createdAt"], row["outcome"]) for row in rows)
