"""Fires timers: changes of objects that only time causes. They fire in the order of their due times, also if the clock jumps."""

import asyncio
import logging
from collections.abc import Callable

from devstack.kit.clock import Clock
from devstack.stripe import checkout
from devstack.stripe.books import Books
from devstack.stripe.config import Config
from devstack.stripe.events import Cause
from devstack.stripe.store import StripeStore, Timer
from devstack.stripe.subscriptions import collection, cycle, timer

log = logging.getLogger("devstack.stripe.timekeeper")

MIN_SLEEP_SECONDS, MAX_SLEEP_SECONDS = 0.2, 3600.0


def _expire_session(books: Books, session_id: str) -> None:
    session = books.find("checkout.session", session_id)
    if session and session["status"] == "open":
        checkout.expire(books, session)


def _settle(books: Books, intent_id: str) -> None:
    checkout.settle(books, intent_id)


_ON_TIME = {
    "checkout.session.expire": _expire_session,
    "invoice.finalize": collection.finalize_and_collect,
    "invoice.retry": collection.retry,
    "payment_intent.settle": _settle,
    timer.TIMER: cycle.tick,
}


class Timekeeper:
    """Fires timers: in real time while `run` runs, or all due ones when `run_due` is called."""

    def __init__(self, store: StripeStore, config: Config, clock: Clock) -> None:
        self._store = store
        self._config = config
        self._clock = clock
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Looks at the timers again. Call it after a timer or the clock has changed."""
        self._wake.set()

    def run_due(self) -> int:
        """Fires all due timers, oldest first, also those that these timers set. Returns the number of timers that fired."""
        fired = 0
        while (timer := self._store.next_timer()) is not None and timer.due <= self._clock.seconds():
            self._fire(timer)
            fired += 1
        return fired

    def _fire(self, timer: Timer) -> None:
        try:
            with self._store.transaction():
                self._store.clear_timer(timer.kind, timer.object_id)
                books = Books(self._store, self._config, self._clock, timer.tenant, Cause(), now=timer.due)
                _ON_TIME[timer.kind](books, timer.object_id)
        except Exception:
            log.exception("timer %s of %s failed and is deleted", timer.kind, timer.object_id)
            self._store.clear_timer(timer.kind, timer.object_id)

    async def run(self, fired: Callable[[], None]) -> None:
        """Fires each timer when it is due, then calls `fired`. Runs until cancelled."""
        while True:
            if self.run_due():
                fired()
            try:
                await asyncio.wait_for(self._wake.wait(), self._seconds_to_next())
                self._wake.clear()
            except TimeoutError:
                continue

    def _seconds_to_next(self) -> float:
        timer = self._store.next_timer()
        if timer is None:
            return MAX_SLEEP_SECONDS
        return min(max(timer.due - self._clock.seconds(), MIN_SLEEP_SECONDS), MAX_SLEEP_SECONDS)
