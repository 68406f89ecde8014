"""Owns what happens by time alone: fires due timers in order, each at its own moment, whether real time or the control brought it."""

import asyncio
import logging

from devstack.stripe import billing, checkout
from devstack.stripe.books import Books, Cause
from devstack.stripe.clock import Clock
from devstack.stripe.config import Config
from devstack.stripe.store import Store, Timer

log = logging.getLogger("devstack.stripe.timekeeper")

MAX_SLEEP_SECONDS = 3600.0


def _expire_session(books: Books, session_id: str) -> None:
    session = books.find("checkout.session", session_id)
    if session and session["status"] == "open":
        checkout.expire(books, session)


def _settle(books: Books, intent_id: str) -> None:
    checkout.settle(books, intent_id)


_ON_TIME = {
    "checkout.session.expire": _expire_session,
    "invoice.finalize": billing.finalize_and_collect,
    "invoice.retry": billing.retry,
    "payment_intent.settle": _settle,
    billing.TIMER: billing.tick,
}


class Timekeeper:
    def __init__(self, store: Store, config: Config, clock: Clock) -> None:
        self._store = store
        self._config = config
        self._clock = clock
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Timers or the clock may have changed."""
        self._wake.set()

    def run_due(self) -> int:
        """Fires everything that is due, oldest first; what a timer schedules is fired too if it is due."""
        fired = 0
        while (timer := self._store.next_timer()) is not None and timer.due <= self._clock.now():
            self._fire(timer)
            fired += 1
        return fired

    def _fire(self, timer: Timer) -> None:
        try:
            with self._store.transaction():
                self._store.clear_timer(timer.kind, timer.object_id)
                books = Books(self._store, self._config, timer.tenant, timer.due, Cause())
                _ON_TIME[timer.kind](books, timer.object_id)
        except Exception:
            log.exception("timer %s of %s failed and is dropped", timer.kind, timer.object_id)
            self._store.clear_timer(timer.kind, timer.object_id)

    async def run(self, fired: asyncio.Event) -> None:
        """Real time: sleeps until the next timer, fires it, says so."""
        while True:
            if self.run_due():
                fired.set()
            timer = self._store.next_timer()
            wait = (
                MAX_SLEEP_SECONDS if timer is None else min(max(timer.due - self._clock.now(), 0.2), MAX_SLEEP_SECONDS)
            )
            try:
                await asyncio.wait_for(self._wake.wait(), wait)
                self._wake.clear()
            except TimeoutError:
                continue
