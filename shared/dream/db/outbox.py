"""`outbox`: effects on Clerk and Stripe that are still owed. One row per subject: a newer wish replaces an older one."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
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
"""`outbox.kind`: what `enqueue` takes. Effects at Clerk are enqueued by `db.clerk_effects` alone, which names them."""

# The outbox is ours, not a tenant's: rows name their subject by the vendor's own id.
ENQUEUE = Sql("""
INSERT INTO outbox (kind, subject, payload, nextAttemptAt, createdAt) VALUES (?1, ?2, ?3, ?4, ?4)
ON CONFLICT (kind, subject) DO UPDATE SET
  payload = excluded.payload, version = version + 1, attempts = 0, nextAttemptAt = excluded.nextAttemptAt, lastError = NULL
""")

# Taking a row moves its next attempt into the future, so that two runs at once do not both work on it.
TAKE_DUE = Sql("""
UPDATE outbox SET attempts = attempts + 1, nextAttemptAt = ?2
WHERE outboxId IN (
  SELECT outboxId FROM outbox
  WHERE nextAttemptAt <= ?1 AND kind IN (SELECT value FROM json_each(?4))
  ORDER BY nextAttemptAt LIMIT ?3)
RETURNING outboxId, kind, subject, payload, version, attempts
""")

SETTLE = Sql("DELETE FROM outbox WHERE outboxId = ?1 AND version = ?2")

WITHDRAW = Sql("DELETE FROM outbox WHERE kind = ?1 AND subject = ?2")

POSTPONE = Sql("UPDATE outbox SET nextAttemptAt = ?3, lastError = ?4 WHERE outboxId = ?1 AND version = ?2")


def enqueue(kind: Kind, subject: str, payload: Mapping[str, Any], now: str) -> Bound:
    """Owe an effect, due at once. Goes into the batch of what made it owed."""
    return ENQUEUE.bind(kind, subject, json.dumps(payload), now)


def withdraw(kind: Kind, subject: str) -> Bound:
    """What was owed is not wanted any more. Goes into the batch of what ended it."""
    return WITHDRAW.bind(kind, subject)


async def take_due(db: Database, kinds: Collection[str], now: str, lease_until: str, count: int) -> list[Row]:
    """Up to `count` due rows of these kinds, which nobody else takes before `lease_until`."""
    return await db.all(TAKE_DUE, now, lease_until, count, json.dumps(list(kinds)))


async def settle(db: Database, outbox_id: int, version: int) -> None:
    """The effect took place; a wish that was renewed meanwhile stays."""
    await db.run(SETTLE, outbox_id, version)


async def postpone(db: Database, outbox_id: int, version: int, until: str, error: str) -> None:
    await db.run(POSTPONE, outbox_id, version, until, error)
