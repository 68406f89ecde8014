"""Owns the queue of webhook deliveries: its tables, its order, and the record of each attempt. It sends nothing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from devstack.kit.store import Store

# States: `new` until the rules are applied, then `queued` or `dropped`. A `queued` one becomes `delivered` or `failed`.
# `account` is a Stripe account or the name of a Clerk instance.
SCHEMA = """
CREATE TABLE IF NOT EXISTS webhook_deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL, event_type TEXT NOT NULL, object_id TEXT,
  account TEXT NOT NULL, livemode INTEGER NOT NULL, endpoint INTEGER NOT NULL, url TEXT NOT NULL, state TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, created REAL NOT NULL, due REAL NOT NULL, position REAL NOT NULL,
  status INTEGER, error TEXT);
CREATE INDEX IF NOT EXISTS webhook_deliveries_by_state ON webhook_deliveries (state, due);
CREATE INDEX IF NOT EXISTS webhook_deliveries_by_event ON webhook_deliveries (event_id);
CREATE TABLE IF NOT EXISTS webhook_attempts (
  delivery_id INTEGER NOT NULL REFERENCES webhook_deliveries (id), at REAL NOT NULL, status INTEGER, error TEXT,
  answer TEXT, milliseconds INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS webhook_attempts_by_delivery ON webhook_attempts (delivery_id);
"""
_INSERT = """
INSERT INTO webhook_deliveries (event_id, event_type, object_id, account, livemode, endpoint, url, state, created, due, position)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_WAITING = "state IN ('new', 'queued')"


@dataclass(frozen=True)
class Delivery:
    """One event for one endpoint. `endpoint` is the endpoint's index in the configuration."""

    id: int
    event_id: str
    event_type: str
    object_id: str | None
    account: str
    livemode: bool
    endpoint: int
    url: str
    state: str
    attempts: int
    created: float
    due: float
    position: float
    status: int | None
    error: str | None

    @classmethod
    def from_row(cls, row: Any) -> "Delivery":
        values: dict[str, Any] = {**row, "livemode": bool(row["livemode"])}
        return cls(**values)


@dataclass(frozen=True)
class Attempt:
    """One attempt to send. `at` is real time in seconds since 1970; `status` is None if no answer came."""

    at: float
    status: int | None
    error: str | None
    answer: str
    milliseconds: int


def enqueue(
    store: Store,
    now: float,
    *,
    event_id: str,
    event_type: str,
    object_id: str | None,
    account: str,
    livemode: bool,
    endpoint: int,
    url: str,
    state: str = "new",
) -> int:
    """Stores one delivery, due at `now` (real time), and returns its id. Call `Deliveries.wake` to have it sent."""
    values = (event_id, event_type, object_id, account, livemode, endpoint, url, state, now, now, 0.0)
    return store.insert_row(_INSERT, *values)


class DeliveryQueue:
    """All deliveries of a stand-in. `now` and `due` are real time, in seconds since 1970."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, delivery_id: int) -> Delivery | None:
        row = self._store.row("SELECT * FROM webhook_deliveries WHERE id = ?", delivery_id)
        return None if row is None else Delivery.from_row(row)

    def newest(self, limit: int, **equals: str | None) -> list[Delivery]:
        """Deliveries whose columns have the values in `equals`, newest first."""
        where = f"WHERE {' AND '.join(f'{name} = ?' for name in equals)}" if equals else ""
        sql = f"SELECT * FROM webhook_deliveries {where} ORDER BY id DESC LIMIT {limit}"  # noqa: S608
        return [Delivery.from_row(row) for row in self._store.rows(sql, *equals.values())]

    def waiting(self) -> list[Delivery]:
        """Deliveries that are not sent yet, in the order in which they will be."""
        rows = self._store.rows(f"SELECT * FROM webhook_deliveries WHERE {_WAITING} ORDER BY position, id")  # noqa: S608
        return [Delivery.from_row(row) for row in rows]

    def of_event(self, event_id: str) -> list[Delivery]:
        rows = self._store.rows("SELECT * FROM webhook_deliveries WHERE event_id = ? ORDER BY id", event_id)
        return [Delivery.from_row(row) for row in rows]

    def attempts(self, delivery_id: int) -> list[Attempt]:
        sql = (
            "SELECT at, status, error, answer, milliseconds FROM webhook_attempts WHERE delivery_id = ? ORDER BY rowid"
        )
        return [Attempt(**dict(row)) for row in self._store.rows(sql, delivery_id)]

    def is_empty(self, event_id: str | None = None) -> bool:
        """Whether no delivery is waiting; with `event_id`, no delivery of that event."""
        sql = f"SELECT 1 FROM webhook_deliveries WHERE (? IS NULL OR event_id = ?) AND {_WAITING}"  # noqa: S608
        return self._store.row(sql, event_id, event_id) is None

    def undecided(self) -> list[Delivery]:
        """Deliveries to which no rule was applied yet."""
        rows = self._store.rows("SELECT * FROM webhook_deliveries WHERE state = 'new' ORDER BY id")
        return [Delivery.from_row(row) for row in rows]

    def next(self, now: float, *, excluding: Collection[int], endpoint: int | None = None) -> Delivery | None:
        """The first delivery that is due, of one endpoint or of all. `excluding` are ids of deliveries in flight."""
        rows = self._store.rows(
            "SELECT * FROM webhook_deliveries WHERE (? IS NULL OR endpoint = ?) AND state = 'queued' AND due <= ?"
            " ORDER BY position, id LIMIT ?",
            endpoint, endpoint, now, len(excluding) + 1,
        )  # fmt: skip
        return next((Delivery.from_row(row) for row in rows if row["id"] not in excluding), None)

    def next_due(self, endpoint: int, *, excluding: Collection[int]) -> float | None:
        """When the next delivery of an endpoint is due, or None. `excluding` are ids of deliveries in flight."""
        rows = self._store.rows(
            "SELECT id, due FROM webhook_deliveries WHERE endpoint = ? AND state = 'queued' ORDER BY due LIMIT ?",
            endpoint, len(excluding) + 1,
        )  # fmt: skip
        return next((row["due"] for row in rows if row["id"] not in excluding), None)

    def decide(self, delivery_id: int, state: str, due: float, position: float) -> None:
        sql = "UPDATE webhook_deliveries SET state = ?, due = ?, position = ? WHERE id = ?"
        self._store.run(sql, state, due, position, delivery_id)

    def copy(self, delivery: Delivery, now: float, due: float, position: float = 0.0) -> int:
        """Queues the same event for the same endpoint once more, and returns the id of the new delivery."""
        made = enqueue(
            self._store,
            now,
            event_id=delivery.event_id,
            event_type=delivery.event_type,
            object_id=delivery.object_id,
            account=delivery.account,
            livemode=delivery.livemode,
            endpoint=delivery.endpoint,
            url=delivery.url,
        )
        self.decide(made, "queued", due, position)
        return made

    def put_first(self, delivery_ids: Sequence[int]) -> None:
        """Puts these deliveries before all others, in this order."""
        for position, delivery_id in enumerate(delivery_ids, start=-len(delivery_ids)):
            self._store.run("UPDATE webhook_deliveries SET position = ? WHERE id = ?", position, delivery_id)

    def retry_at(self, now: float) -> None:
        """Makes every queued delivery due at `now`."""
        self._store.run("UPDATE webhook_deliveries SET due = ? WHERE state = 'queued'", now)

    def record(self, delivery: Delivery, attempt: Attempt, state: str, due: float) -> None:
        """Stores an attempt, and the delivery's new state and due time."""
        self._store.run(
            "UPDATE webhook_deliveries SET state = ?, attempts = attempts + 1, due = ?, status = ?, error = ? WHERE id = ?",
            state, due, attempt.status, attempt.error, delivery.id,
        )  # fmt: skip
        self._store.run(
            "INSERT INTO webhook_attempts (delivery_id, at, status, error, answer, milliseconds) VALUES (?, ?, ?, ?, ?, ?)",
            delivery.id, attempt.at, attempt.status, attempt.error, attempt.answer, attempt.milliseconds,
        )  # fmt: skip

    def clear(self) -> None:
        """Deletes every delivery and its attempts."""
        with self._store.transaction():
            self._store.run("DELETE FROM webhook_attempts")
            self._store.run("DELETE FROM webhook_deliveries")
