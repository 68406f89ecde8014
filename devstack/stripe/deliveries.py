"""Owns webhook deliveries: signing, sending, retrying with back-off, and the ways a test may disturb them."""

import asyncio
import hashlib
import hmac
import json
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from devstack.stripe.config import Config, WebhookEndpoint
from devstack.stripe.jsontypes import Json
from devstack.stripe.store import Store

log = logging.getLogger("devstack.stripe.deliveries")

TIMEOUT_SECONDS = 20.0
MAX_BACKOFF_SECONDS = 60.0
ANSWER_KEPT = 500


@dataclass
class Rules:
    """How deliveries that are yet to be queued are disturbed. `types` limits the rules to those event types."""

    shuffle: bool = False
    seed: int | None = None
    duplicate: int = 0
    delay_seconds: float = 0.0
    drop: bool = False
    types: tuple[str, ...] = ()

    def concerns(self, event_type: str) -> bool:
        return not self.types or event_type in self.types


class Dispatcher:
    """Sends what the deliveries table holds: one after the other per endpoint, the endpoints side by side."""

    def __init__(self, store: Store, config: Config) -> None:
        self._store = store
        self._config = config
        self._endpoints = config.webhook_endpoints
        self._signals = [asyncio.Event() for _ in self._endpoints]
        self._wake = asyncio.Event()
        self._changed = asyncio.Condition()
        self._in_flight: set[int] = set()
        self._held = 0
        self._http = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False, follow_redirects=False)
        self._random = random.Random()
        self.rules = Rules()
        self.paused: bool = store.setting("webhooks_paused", False)

    # control

    def wake(self) -> None:
        self._wake.set()

    def hold(self) -> None:
        """Nothing leaves until `release`: while the clock moves, say."""
        self._held += 1

    def release(self) -> None:
        self._held -= 1
        self.wake()

    def set_rules(self, rules: Rules) -> None:
        self.rules = rules
        self._random = random.Random(rules.seed)

    async def pause(self) -> None:
        self.paused = True
        self._store.set_setting("webhooks_paused", True)
        await self._until(lambda: not self._in_flight, TIMEOUT_SECONDS)

    def resume(self, order: list[int] | None = None, *, shuffle: bool = False) -> None:
        """Lets go of what waited: in the given order of delivery ids, shuffled, or as it came."""
        rows = [
            row["id"]
            for row in self._store.rows("SELECT id FROM deliveries WHERE state IN ('new', 'queued') ORDER BY id")
        ]
        if shuffle:
            self._random.shuffle(rows)
        for position, delivery_id in enumerate(order if order is not None else rows):
            self._store.run("UPDATE deliveries SET position = ? WHERE id = ?", position - len(rows), delivery_id)
        self.paused = False
        self._store.set_setting("webhooks_paused", False)
        self.wake()

    def resend(self, event_id: str, url: str | None = None) -> list[int]:
        """Queues an event once more for each endpoint it had, or for one."""
        made: list[int] = []
        seen: set[int] = set()
        for row in self._store.rows("SELECT * FROM deliveries WHERE event_id = ? ORDER BY id", event_id):
            if row["endpoint"] in seen or (url is not None and row["url"] != url):
                continue
            seen.add(row["endpoint"])
            made.append(self._copy(row, time.time()))
        self.wake()
        return made

    async def deliver(self, delivery_ids: list[int]) -> None:
        """Sends these now, in this order, paused or not."""
        for delivery_id in delivery_ids:
            row = self._store.row("SELECT * FROM deliveries WHERE id = ?", delivery_id)
            if row is not None and delivery_id not in self._in_flight:
                await self._send(row)

    def retry_now(self) -> None:
        self._store.run("UPDATE deliveries SET due = ? WHERE state = 'queued'", time.time())
        self.wake()

    async def idle(self, timeout: float) -> bool:
        return await self._until(self._is_idle, timeout)

    async def delivered(self, event_id: str, timeout: float) -> bool:
        """Waits until no endpoint still has to get the event. A paused dispatcher is not waited for."""
        return await self._until(lambda: self.paused or not self._outstanding(event_id), timeout)

    def _outstanding(self, event_id: str) -> bool:
        return (
            self._store.row("SELECT 1 FROM deliveries WHERE event_id = ? AND state IN ('new', 'queued')", event_id)
            is not None
        )

    def _is_idle(self) -> bool:
        if self._in_flight or self._held:
            return False
        return self.paused or self._store.row("SELECT 1 FROM deliveries WHERE state IN ('new', 'queued')") is None

    async def _until(self, holds: Callable[[], bool], timeout: float) -> bool:
        async with self._changed:
            try:
                await asyncio.wait_for(self._changed.wait_for(holds), timeout)
            except TimeoutError:
                return holds()
        return True

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    # the loop

    async def run(self) -> None:
        workers = [asyncio.create_task(self._serve(number)) for number in range(len(self._endpoints))]
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                self._queue_new()
                await self._notify()
                for signal in self._signals:
                    signal.set()
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            await self._http.aclose()

    async def _serve(self, number: int) -> None:
        signal = self._signals[number]
        signal.set()
        while True:
            row = None if self.paused or self._held else self._next(number)
            if row is not None:
                await self._send(row)
                continue
            with_timeout = None if self.paused or self._held else self._seconds_to_next(number)
            try:
                await asyncio.wait_for(signal.wait(), with_timeout)
                signal.clear()
            except TimeoutError:
                continue

    def _next(self, number: int) -> Any:
        rows = self._store.rows(
            "SELECT * FROM deliveries WHERE endpoint = ? AND state = 'queued' AND due <= ? ORDER BY position, id LIMIT ?",
            number, time.time(), len(self._in_flight) + 1,
        )  # fmt: skip
        return next((row for row in rows if row["id"] not in self._in_flight), None)

    def _seconds_to_next(self, number: int) -> float | None:
        row = self._store.row("SELECT min(due) AS due FROM deliveries WHERE endpoint = ? AND state = 'queued'", number)
        return None if row is None or row["due"] is None else max(row["due"] - time.time(), 0.01)

    def _queue_new(self) -> None:
        """Applies the rules to deliveries that nothing has been decided about."""
        for row in self._store.rows("SELECT * FROM deliveries WHERE state = 'new' ORDER BY id"):
            if not self.rules.concerns(row["event_type"]):
                self._store.run("UPDATE deliveries SET state = 'queued' WHERE id = ?", row["id"])
                continue
            if self.rules.drop:
                self._store.run("UPDATE deliveries SET state = 'dropped' WHERE id = ?", row["id"])
                continue
            due = row["created"] + self.rules.delay_seconds
            position = self._random.random() if self.rules.shuffle else 0
            self._store.run(
                "UPDATE deliveries SET state = 'queued', due = ?, position = ? WHERE id = ?", due, position, row["id"]
            )
            for _ in range(self.rules.duplicate):
                self._copy(row, due, self._random.random() if self.rules.shuffle else 0)

    def _copy(self, row: Any, due: float, position: float = 0) -> int:
        self._store.run(
            "INSERT INTO deliveries (event_id, event_type, object_id, account, livemode, endpoint, url, state, due, position, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?)",
            row["event_id"], row["event_type"], row["object_id"], row["account"], row["livemode"], row["endpoint"],
            row["url"], due, position, time.time(),
        )  # fmt: skip
        made = self._store.row("SELECT last_insert_rowid() AS id")
        return int(made["id"]) if made else 0

    async def _send(self, row: Any) -> None:
        delivery_id: int = row["id"]
        number: int = row["endpoint"]
        if number >= len(self._endpoints):
            self._store.run("UPDATE deliveries SET state = 'failed', error = 'endpoint gone' WHERE id = ?", delivery_id)
            return
        endpoint = self._endpoints[number]
        self._in_flight.add(delivery_id)
        began = time.time()
        status, error, answer = None, None, ""
        try:
            payload = self.payload(row["event_id"], endpoint)
            response = await self._http.post(
                endpoint.url, content=payload.encode(), headers=headers(payload, endpoint.secret)
            )
            status, answer = response.status_code, response.text[:ANSWER_KEPT]
        except (httpx.HTTPError, OSError) as exc:
            error = f"{type(exc).__name__}: {exc}"
        finally:
            self._in_flight.discard(delivery_id)
        self._record(row, began, status, error, answer)
        await self._notify()

    def _record(self, row: Any, began: float, status: int | None, error: str | None, answer: str) -> None:
        wall = time.time()
        attempts = row["attempts"] + 1
        good = status is not None and 200 <= status < 300
        state = "delivered" if good else "queued" if attempts < self._config.retry_attempts else "failed"
        due = wall + min(self._config.retry_base_seconds * 2 ** (attempts - 1), MAX_BACKOFF_SECONDS)
        with self._store.transaction():
            self._store.run(
                "UPDATE deliveries SET state = ?, attempts = ?, due = ?, status = ?, error = ?, delivered = ? WHERE id = ?",
                state, attempts, due, status, error, wall if good else None, row["id"],
            )  # fmt: skip
            self._store.run(
                "INSERT INTO attempts (delivery_id, at, status, error, answer, milliseconds) VALUES (?, ?, ?, ?, ?, ?)",
                row["id"], began, status, error, answer, int((wall - began) * 1000),
            )  # fmt: skip
            if good:
                self._mark_event(row["event_id"])
        if not good:
            log.warning("webhook %s to %s: %s", row["event_type"], row["url"], status or error)

    def _event(self, event_id: str) -> Json:
        row = self._store.row("SELECT data FROM objects WHERE id = ? AND kind = 'event'", event_id)
        return json.loads(row["data"]) if row else {}

    def _pending(self, event_id: str) -> int:
        row = self._store.row(
            "SELECT count(DISTINCT endpoint) AS n FROM deliveries AS d WHERE event_id = ? AND NOT EXISTS ("
            "SELECT 1 FROM deliveries WHERE event_id = d.event_id AND endpoint = d.endpoint AND state = 'delivered')",
            event_id,
        )
        return int(row["n"]) if row else 0

    def _mark_event(self, event_id: str) -> None:
        event = {**self._event(event_id), "pending_webhooks": self._pending(event_id)}
        self._store.run("UPDATE objects SET data = ? WHERE id = ? AND kind = 'event'", json.dumps(event), event_id)

    def payload(self, event_id: str, endpoint: WebhookEndpoint) -> str:
        event = {
            **self._event(event_id),
            "api_version": endpoint.api_version,
            "pending_webhooks": max(self._pending(event_id), 1),
        }
        return json.dumps(event, indent=2)


def headers(payload: str, secret: str) -> dict[str, str]:
    """Signed with the real time: receivers compare it with theirs, whatever the stand-in's clock says."""
    moment = int(time.time())
    digest = hmac.new(secret.encode(), f"{moment}.{payload}".encode(), hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": f"t={moment},v1={digest}",
    }
