"""`outbox`: effects on Clerk, Stripe and R2 that have not taken place yet. One row per kind and subject.

The outbox belongs to no customer: the ids of vendors name the subjects, so no statement takes a publishable key.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from dream.runtime.bindings import Bound, Database, Row, Sql

Kind: TypeAlias = Literal[
    "archive_product",
    "archive_price",
    "describe_product",
    "cancel_subscription",
    "expire_session",
    "end_second_subscription",
    "revoke_connection",
    "delete_image",
    "delete_images",
]
"""`outbox.kind`, as `enqueue` takes it. Only `db.clerk_effects` enqueues effects at Clerk; it names their kinds."""

IfEnqueued: TypeAlias = Literal["replace", "leave"]
"""What happens if the outbox has a row of this kind and subject already: the new payload replaces it, or the old row stays."""

_CONFLICT: Mapping[IfEnqueued, str] = {
    "replace": """DO UPDATE SET
  payload = excluded.payload, version = version + 1, attempts = 0, nextAttemptAt = excluded.nextAttemptAt, lastError = NULL""",
    "leave": "DO NOTHING",
}


def insert_effects(
    kind: str,
    subject: str,
    payload: str,
    now: str,
    rows: str,
    *,
    due_at: str | None = None,
    if_enqueued: IfEnqueued = "leave",
) -> Sql:
    """The statement that enqueues one effect for each of `rows`, due at `due_at` (None: now). No other text inserts into the outbox.

    All arguments are SQL: expressions for a row's kind, subject, payload (JSON) and time, and what comes after the SELECT list.
    """
    return Sql(f"""
INSERT INTO outbox (kind, subject, payload, nextAttemptAt, createdAt)
SELECT {kind}, {subject}, {payload}, {due_at or now}, {now}
{rows}
ON CONFLICT (kind, subject) {_CONFLICT[if_enqueued]}
""")


# Enqueues one effect of kind ?1 for subject ?2, with payload ?3, at ?4.
ENQUEUE = insert_effects("?1", "?2", "?3", "?4", "WHERE true", if_enqueued="replace")

# Takes rows of the kinds ?4 that are due at ?1, the oldest first, at most ?3. Their next attempt moves to ?2, so that a run that
# starts meanwhile does not take them too.
TAKE_DUE = Sql("""
UPDATE outbox SET attempts = attempts + 1, nextAttemptAt = ?2
WHERE outboxId IN (
  SELECT outboxId FROM outbox
  WHERE nextAttemptAt <= ?1 AND kind IN (SELECT value FROM json_each(?4))
  ORDER BY nextAttemptAt LIMIT ?3)
RETURNING outboxId, kind, payload, version, attempts
""")

# Deletes an effect that took place. A row that was enqueued again meanwhile has a higher version, and stays.
DELETE_DONE = Sql("DELETE FROM outbox WHERE outboxId = ?1 AND version = ?2")

# Deletes the effect of a kind and subject, done or not.
DELETE = Sql("DELETE FROM outbox WHERE kind = ?1 AND subject = ?2")

# Moves the next attempt of an effect that failed to ?3, unless the effect was enqueued again meanwhile.
POSTPONE = Sql("UPDATE outbox SET nextAttemptAt = ?3, lastError = ?4 WHERE outboxId = ?1 AND version = ?2")


@dataclass(frozen=True, slots=True)
class DueEffect:
    """An effect that a run of the outbox took. `attempts` counts this attempt too."""

    outbox_id: int
    kind: str
    payload: Mapping[str, Any]
    version: int
    attempts: int


def _due_effect_from(row: Row) -> DueEffect:
    return DueEffect(row["outboxId"], row["kind"], json.loads(row["payload"]), row["version"], row["attempts"])


def enqueue(kind: Kind, subject: str, payload: Mapping[str, Any], now: str) -> Bound:
    """Enqueues an effect, due at once. It belongs into the batch of the change that it follows from."""
    return ENQUEUE.bind(kind, subject, json.dumps(payload), now)


def cancel(kind: Kind, subject: str) -> Bound:
    """Removes an effect that must not take place any more. It belongs into the batch of the change that it follows from."""
    return DELETE.bind(kind, subject)


async def take_due(db: Database, kinds: Collection[str], now: str, lease_until: str, count: int) -> list[DueEffect]:
    """Up to `count` due effects of these kinds. Nobody else takes them before `lease_until` (ISO 8601 UTC)."""
    rows = await db.all(TAKE_DUE, now, lease_until, count, json.dumps(list(kinds)))
    return [_due_effect_from(row) for row in rows]


async def delete_done(db: Database, effect: DueEffect) -> None:
    """Removes an effect that took place, unless it was enqueued again meanwhile."""
    await db.run(DELETE_DONE, effect.outbox_id, effect.version)


async def postpone(db: Database, effect: DueEffect, until: str, error: str) -> None:
    """Moves the next attempt to `until` (ISO 8601 UTC) and stores why this one failed."""
    await db.run(POSTPONE, effect.outbox_id, effect.version, until, error)
