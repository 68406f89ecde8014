"""Owns the sending of webhooks: when each one is sent, its retries, and the ways in which a test may disturb it.

Each vendor passes two functions: one makes a signed message of a delivery, one says when a failed delivery is retried.
A server runs `run()`; a test in process calls `deliver_due()` instead.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from devstack.kit.clock import Clock
from devstack.kit.delivery_queue import Attempt, Delivery, DeliveryQueue
from devstack.kit.sender import Answer, Sender, Unreachable
from devstack.kit.store import Store

log = logging.getLogger("devstack.deliveries")

PAUSE_WAITS_SECONDS = 20.0
MIN_SLEEP_SECONDS = 0.01
_PAUSED = "webhooks_paused"


@dataclass(frozen=True)
class Message:
    """One HTTP request to send: the body, and headers with its signature."""

    url: str
    headers: dict[str, str]
    body: bytes


class EndpointGone(Exception):
    """The configuration no longer has the endpoint of a delivery."""


@dataclass(frozen=True)
class Rules:
    """How new deliveries are disturbed: `duplicate` is a number of further copies. `types` limits the rules to these event types."""

    shuffle: bool = False
    seed: int | None = None
    duplicate: int = 0
    delay_seconds: float = 0.0
    drop: bool = False
    types: tuple[str, ...] = ()

    def apply_to(self, event_type: str) -> bool:
        return not self.types or event_type in self.types


class Deliveries:
    """Sends the deliveries of the queue: at most `parallel` at a time to each endpoint, to all endpoints at the same time."""

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
        """`compose` makes the signed message of a delivery, or raises EndpointGone.

        `retry_after` takes the number of failed attempts, and returns the seconds until the next one, or None to give up.
        """
        self._store = store
        self.queue = DeliveryQueue(store)
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

    # Controls

    def wake(self) -> None:
        """Looks at the queue again. Call it after a delivery was added or became due."""
        self._wake.set()

    def hold(self) -> None:
        """Sends nothing until `release`, for example while the clock moves."""
        self._held += 1

    def release(self) -> None:
        self._held -= 1
        self.wake()

    def set_rules(self, rules: Rules) -> None:
        self.rules = rules
        self._random = random.Random(rules.seed)

    async def pause(self) -> None:
        """Sends nothing until `resume`. Returns when no attempt is in flight, after PAUSE_WAITS_SECONDS at the latest."""
        self._set_paused(True)
        await self._until(lambda: not self._in_flight, PAUSE_WAITS_SECONDS)

    def resume(self, order: Sequence[int] | None = None, *, shuffle: bool = False) -> None:
        """Sends again. Waiting deliveries go in the given order of ids, or shuffled, or in the order of their ids."""
        ids = sorted(delivery.id for delivery in self.queue.waiting())
        if shuffle:
            self._random.shuffle(ids)
        self.queue.put_first(ids if order is None else order)
        self._set_paused(False)
        self.wake()

    def _set_paused(self, paused: bool) -> None:
        self.paused = paused
        self._store.set_setting(_PAUSED, paused)

    def resend(self, delivery: Delivery) -> int:
        """Queues the same event for the same endpoint once more, and returns the id of the new delivery."""
        now = self._clock.real()
        made = self.queue.copy(delivery, now, due=now)
        self.wake()
        return made

    async def deliver(self, delivery_ids: Sequence[int]) -> None:
        """Sends these deliveries now, in this order, even while paused."""
        for delivery_id in delivery_ids:
            delivery = self.queue.find(delivery_id)
            if delivery is not None and delivery_id not in self._in_flight:
                await self._send(delivery)

    def retry_now(self) -> None:
        """Makes every waiting delivery due now."""
        self.queue.retry_at(self._clock.real())
        self.wake()

    # Waiting

    async def idle(self, timeout: float, *, pause_is_idle: bool = True) -> bool:
        """Waits until nothing is left to send, `timeout` seconds at most. Returns whether that is so.

        If `run()` does not run, it sends the due deliveries itself and does not wait.
        """
        if not self._running:
            await self.deliver_due()
        return await self._until(lambda: self._is_idle(pause_is_idle), timeout)

    async def delivered(self, event_id: str, timeout: float) -> bool:
        """Waits until no delivery of the event is waiting, or deliveries are paused. Returns whether that is so.

        If `run()` does not run, it sends the due deliveries itself and does not wait.
        """
        if not self._running:
            await self.deliver_due()
        return await self._until(lambda: self.paused or self.queue.is_empty(event_id), timeout)

    def _is_idle(self, pause_is_idle: bool) -> bool:
        if self._in_flight or self._held:
            return False
        return (self.paused and pause_is_idle) or self.queue.is_empty()

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
        """Sends all deliveries that are due, one after the other, also those added meanwhile. Returns the number of attempts.

        A failed delivery becomes due again later: step the clock and call again, or call `retry_now`.
        """
        sent = 0
        self._apply_rules()
        while not self.paused and not self._held and (delivery := self._next()) is not None:
            await self._send(delivery)
            sent += 1
            self._apply_rules()
        return sent

    async def run(self) -> None:
        """Sends each delivery when it becomes due. Runs until cancelled."""
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
        return self.queue.next(self._clock.real(), excluding=self._in_flight, endpoint=endpoint)

    def _seconds_to_next(self, endpoint: int) -> float | None:
        due = self.queue.next_due(endpoint, excluding=self._in_flight)
        return None if due is None else max(due - self._clock.real(), MIN_SLEEP_SECONDS)

    def _apply_rules(self) -> None:
        """Applies the rules to every new delivery: queues, delays, duplicates or drops it."""
        for delivery in self.queue.undecided():
            rules = self.rules if self.rules.apply_to(delivery.event_type) else Rules()
            due = delivery.created + rules.delay_seconds
            if rules.drop:
                self.queue.decide(delivery.id, "dropped", due, 0.0)
                continue
            self.queue.decide(delivery.id, "queued", due, self._position(rules))
            for _ in range(rules.duplicate):
                self.queue.copy(delivery, self._clock.real(), due, self._position(rules))

    def _position(self, rules: Rules) -> float:
        return self._random.random() if rules.shuffle else 0.0

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
        status = answer.status if answer else None
        good = status is not None and 200 <= status < 300
        wait_seconds = None if good else self._retry_after(delivery.attempts + 1)
        state = "delivered" if good else "failed" if wait_seconds is None else "queued"
        attempt = Attempt(began, status, error, answer.text if answer else "", int((now - began) * 1000))
        with self._store.transaction():
            self.queue.record(delivery, attempt, state, now + (wait_seconds or 0))
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
