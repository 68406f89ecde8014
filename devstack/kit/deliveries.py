"""Owns webhook deliveries: the queue, its order, sending, retries, and what a test may disturb.

The vendor says how a delivery becomes a signed message and when a failed one is tried again. A server runs `run()`; a test
in process calls `deliver_due()` instead.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from devstack.kit.clock import Clock
from devstack.kit.sender import Answer, Sender, Unreachable
from devstack.kit.store import Store

log = logging.getLogger("devstack.deliveries")

PAUSE_WAITS_SECONDS = 20.0
_PAUSED = "webhooks_paused"

# A delivery is `new` until the rules were applied, then `queued` or `dropped`; at the end it is `delivered` or `failed`.
# `account` is the connected account or the instance that the event belongs to.
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
    """One event for one endpoint. `endpoint` is the number of the endpoint in the configuration."""

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
    """One sending. `at` is real time; `status` is None when no answer came."""

    at: float
    status: int | None
    error: str | None
    answer: str
    milliseconds: int


@dataclass(frozen=True)
class Message:
    """What is sent: signed headers and the body that they sign."""

    url: str
    headers: dict[str, str]
    body: bytes


class EndpointGone(Exception):
    """The configuration no longer has the endpoint of a delivery."""


@dataclass(frozen=True)
class Rules:
    """How new deliveries are disturbed. `types` limits the rules to those event types."""

    shuffle: bool = False
    seed: int | None = None
    duplicate: int = 0
    delay_seconds: float = 0.0
    drop: bool = False
    types: tuple[str, ...] = ()

    def concern(self, event_type: str) -> bool:
        return not self.types or event_type in self.types


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
    position: float = 0.0,
) -> int:
    """Stores one delivery, due at `now` (real time), and returns its id. `Deliveries.wake` makes it leave."""
    values = (event_id, event_type, object_id, account, livemode, endpoint, url, state, now, now, position)
    return store.insert_row(_INSERT, *values)


class Deliveries:
    """Sends what the queue holds: `parallel` at a time for each endpoint, the endpoints side by side."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        sender: Sender,
        *,
        endpoints: int,
        compose: Callable[[Delivery], Message],
        retry_after: Callable[[int], float | None],
        on_delivered: Callable[[Delivery], None] | None = None,
        parallel: int = 1,
    ) -> None:
        """`retry_after` gives the seconds until the next attempt after so many failed ones, None to give up."""
        self._store = store
        self._clock = clock
        self._sender = sender
        self._compose = compose
        self._retry_after = retry_after
        self._on_delivered = on_delivered
        self._parallel = parallel
        self._signals = [asyncio.Event() for _ in range(endpoints * parallel)]
        self._wake = asyncio.Event()
        self._changed = asyncio.Condition()
        self._in_flight: set[int] = set()
        self._held = 0
        self._running = False
        self._random = random.Random()
        self.rules = Rules()
        self.paused: bool = store.setting(_PAUSED, False)

    # Reading

    def find(self, delivery_id: int) -> Delivery | None:
        row = self._store.row("SELECT * FROM webhook_deliveries WHERE id = ?", delivery_id)
        return None if row is None else Delivery.from_row(row)

    def newest(self, limit: int, **equals: str | None) -> list[Delivery]:
        """Deliveries, newest first; `equals` compares columns."""
        where = f"WHERE {' AND '.join(f'{name} = ?' for name in equals)}" if equals else ""
        sql = f"SELECT * FROM webhook_deliveries {where} ORDER BY id DESC LIMIT {limit}"  # noqa: S608
        return [Delivery.from_row(row) for row in self._store.rows(sql, *equals.values())]

    def waiting(self) -> list[Delivery]:
        """What has not left yet, in the order in which it will."""
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

    # Controls

    def wake(self) -> None:
        """Something may have become due."""
        self._wake.set()

    def hold(self) -> None:
        """Nothing leaves until `release`, for example while the clock moves."""
        self._held += 1

    def release(self) -> None:
        self._held -= 1
        self.wake()

    def set_rules(self, rules: Rules) -> None:
        self.rules = rules
        self._random = random.Random(rules.seed)

    async def pause(self) -> None:
        """Nothing leaves until `resume`. Returns when the last attempt under way has ended."""
        self._set_paused(True)
        await self._until(lambda: not self._in_flight, PAUSE_WAITS_SECONDS)

    def resume(self, order: Sequence[int] | None = None, *, shuffle: bool = False) -> None:
        """Lets go of what waited: in the given order of delivery ids, shuffled, or as it came."""
        ids = sorted(delivery.id for delivery in self.waiting())
        first = -len(ids)
        if shuffle:
            self._random.shuffle(ids)
        for position, delivery_id in enumerate(ids if order is None else order):
            self._store.run("UPDATE webhook_deliveries SET position = ? WHERE id = ?", position + first, delivery_id)
        self._set_paused(False)
        self.wake()

    def _set_paused(self, paused: bool) -> None:
        self.paused = paused
        self._store.set_setting(_PAUSED, paused)

    def resend(self, delivery: Delivery) -> int:
        """Queues the same event for the same endpoint once more, and returns the id of the new delivery."""
        made = self._copy(delivery, self._clock.real())
        self.wake()
        return made

    async def deliver(self, delivery_ids: Sequence[int]) -> None:
        """Sends these now, in this order, paused or not."""
        for delivery_id in delivery_ids:
            delivery = self.find(delivery_id)
            if delivery is not None and delivery_id not in self._in_flight:
                await self._send(delivery)

    def retry_now(self) -> None:
        """What waits for its next attempt is due now."""
        self._store.run("UPDATE webhook_deliveries SET due = ? WHERE state = 'queued'", self._clock.real())
        self.wake()

    def clear(self) -> None:
        """Deletes every delivery and its attempts."""
        with self._store.transaction():
            self._store.run("DELETE FROM webhook_attempts")
            self._store.run("DELETE FROM webhook_deliveries")

    # Waiting

    async def idle(self, timeout: float, *, pause_is_idle: bool = True) -> bool:
        """Waits until nothing is left to send. Without `run()` it sends what is due itself, and waits for nothing."""
        if not self._running:
            await self.deliver_due()
        return await self._until(lambda: self._is_idle(pause_is_idle), timeout)

    async def delivered(self, event_id: str, timeout: float) -> bool:
        """Waits until every endpoint had the event, or deliveries are paused. Without `run()` it sends what is due itself."""
        if not self._running:
            await self.deliver_due()
        return await self._until(lambda: self.paused or not self._outstanding(event_id), timeout)

    def _outstanding(self, event_id: str) -> bool:
        sql = f"SELECT 1 FROM webhook_deliveries WHERE event_id = ? AND {_WAITING}"  # noqa: S608
        return self._store.row(sql, event_id) is not None

    def _is_idle(self, pause_is_idle: bool) -> bool:
        if self._in_flight or self._held:
            return False
        if self.paused and pause_is_idle:
            return True
        return self._store.row(f"SELECT 1 FROM webhook_deliveries WHERE {_WAITING}") is None  # noqa: S608

    async def _until(self, holds: Callable[[], bool], timeout: float) -> bool:
        if not self._running:
            return holds()
        async with self._changed:
            try:
                await asyncio.wait_for(self._changed.wait_for(holds), timeout)
            except TimeoutError:
                return holds()
        return True

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    # Sending

    async def deliver_due(self) -> int:
        """Sends everything that is due now, and what that adds, one after the other. Returns how many attempts were made.

        A failed delivery is due again only later: step the clock and call again, or call `retry_now`.
        """
        sent = 0
        self._apply_rules()
        while not self.paused and not self._held and (delivery := self._next()) is not None:
            await self._send(delivery)
            sent += 1
            self._apply_rules()
        return sent

    async def run(self) -> None:
        """Sends what becomes due, until cancelled."""
        self._running = True
        endpoints = [number // self._parallel for number in range(len(self._signals))]
        workers = [
            asyncio.create_task(self._serve(endpoint, signal))
            for endpoint, signal in zip(endpoints, self._signals, strict=True)
        ]
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                self._apply_rules()
                await self._notify()
                for signal in self._signals:
                    signal.set()
        finally:
            self._running = False
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _serve(self, endpoint: int, signal: asyncio.Event) -> None:
        """Sends the deliveries of one endpoint, one after the other."""
        signal.set()
        while True:
            stopped = self.paused or self._held
            delivery = None if stopped else self._next(endpoint)
            if delivery is not None:
                await self._send(delivery)
                continue
            await _wait(signal.wait(), None if stopped else self._seconds_to_next(endpoint))
            signal.clear()

    def _next(self, endpoint: int | None = None) -> Delivery | None:
        rows = self._store.rows(
            "SELECT * FROM webhook_deliveries WHERE (? IS NULL OR endpoint = ?) AND state = 'queued' AND due <= ?"
            " ORDER BY position, id LIMIT ?",
            endpoint, endpoint, self._clock.real(), len(self._in_flight) + 1,
        )  # fmt: skip
        return next((Delivery.from_row(row) for row in rows if row["id"] not in self._in_flight), None)

    def _seconds_to_next(self, endpoint: int) -> float | None:
        """Until a delivery of the endpoint that nobody sends yet is due; None when there is none."""
        rows = self._store.rows(
            "SELECT id, due FROM webhook_deliveries WHERE endpoint = ? AND state = 'queued' ORDER BY due LIMIT ?",
            endpoint, len(self._in_flight) + 1,
        )  # fmt: skip
        due = next((row["due"] for row in rows if row["id"] not in self._in_flight), None)
        return None if due is None else max(due - self._clock.real(), 0.01)

    def _apply_rules(self) -> None:
        """Decides about every new delivery: it is queued, delayed, duplicated or dropped."""
        for row in self._store.rows("SELECT * FROM webhook_deliveries WHERE state = 'new' ORDER BY id"):
            delivery = Delivery.from_row(row)
            rules = self.rules if self.rules.concern(delivery.event_type) else Rules()
            due = delivery.created + rules.delay_seconds
            state = "dropped" if rules.drop else "queued"
            self._store.run(
                "UPDATE webhook_deliveries SET state = ?, due = ?, position = ? WHERE id = ?",
                state, due, self._position(rules), delivery.id,
            )  # fmt: skip
            for _ in range(0 if rules.drop else rules.duplicate):
                self._copy(delivery, due, self._position(rules))

    def _position(self, rules: Rules) -> float:
        return self._random.random() if rules.shuffle else 0.0

    def _copy(self, delivery: Delivery, due: float, position: float = 0.0) -> int:
        made = enqueue(
            self._store,
            self._clock.real(),
            event_id=delivery.event_id,
            event_type=delivery.event_type,
            object_id=delivery.object_id,
            account=delivery.account,
            livemode=delivery.livemode,
            endpoint=delivery.endpoint,
            url=delivery.url,
            state="queued",
            position=position,
        )
        self._store.run("UPDATE webhook_deliveries SET due = ? WHERE id = ?", due, made)
        return made

    async def _send(self, delivery: Delivery) -> None:
        self._in_flight.add(delivery.id)
        began = self._clock.real()
        answer: Answer | None = None
        error: str | None = None
        try:
            message = self._compose(delivery)
            answer = _as_answer(await self._sender(message.url, message.headers, message.body))
        except (EndpointGone, Unreachable) as failure:
            error = str(failure)
        finally:
            self._in_flight.discard(delivery.id)
        self._record(delivery, began, answer, error)
        await self._notify()

    def _record(self, delivery: Delivery, began: float, answer: Answer | None, error: str | None) -> None:
        now = self._clock.real()
        attempts = delivery.attempts + 1
        status = answer.status if answer else None
        good = status is not None and 200 <= status < 300
        wait_seconds = None if good else self._retry_after(attempts)
        state = "delivered" if good else "failed" if wait_seconds is None else "queued"
        with self._store.transaction():
            self._store.run(
                "UPDATE webhook_deliveries SET state = ?, attempts = ?, due = ?, status = ?, error = ? WHERE id = ?",
                state, attempts, now + (wait_seconds or 0), status, error, delivery.id,
            )  # fmt: skip
            self._store.run(
                "INSERT INTO webhook_attempts (delivery_id, at, status, error, answer, milliseconds) VALUES (?, ?, ?, ?, ?, ?)",
                delivery.id, began, status, error, answer.text if answer else "", int((now - began) * 1000),
            )  # fmt: skip
            if good and self._on_delivered:
                self._on_delivered(delivery)
        if not good:
            log.warning("webhook %s to %s: %s", delivery.event_type, delivery.url, status or error)


def _as_answer(answered: int | Answer) -> Answer:
    return Answer(answered) if isinstance(answered, int) else answered


async def _wait(something: Awaitable[object], timeout: float | None) -> None:
    try:
        await asyncio.wait_for(something, timeout)
    except TimeoutError:
        return
