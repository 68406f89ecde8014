"""Owns the running service's parts: store, clock, dispatcher, timekeeper, faults. Every HTTP door is given one of these."""

import asyncio
import time
from collections.abc import Generator
from contextlib import contextmanager

import httpx

from devstack.stripe.books import Books, Cause
from devstack.stripe.clock import Clock
from devstack.stripe.config import Config
from devstack.stripe.deliveries import Dispatcher
from devstack.stripe.faults import Calls, Faults
from devstack.stripe.idempotency import Idempotency
from devstack.stripe.resources import accounts
from devstack.stripe.store import Store, Tenant
from devstack.stripe.timekeeper import Timekeeper

PUSH_TIMEOUT_SECONDS = 10.0


class StandIn:
    def __init__(self, config: Config, database: str) -> None:
        self.config = config
        self.store = Store(database)
        self.clock = Clock(self.store)
        self.idempotency = Idempotency(self.store)
        self.faults = Faults()
        self.calls = Calls()
        self.timekeeper = Timekeeper(self.store, config, self.clock)
        self.dispatcher = Dispatcher(self.store, config)
        self._fired = asyncio.Event()
        if self.store.find(accounts.EVERYWHERE, "account", config.platform_account) is None:
            accounts.build(
                self.store,
                int(time.time()),
                email="platform@example.com",
                name=config.platform_name,
                account_id=config.platform_account,
            )

    @contextmanager
    def books(self, tenant: Tenant, cause: Cause | None = None) -> Generator[Books]:
        """One transaction over one tenant's books; afterwards timers and deliveries are looked at again."""
        with self.store.transaction():
            yield Books(self.store, self.config, tenant, self.clock.now(), cause or Cause())
        self.wake()

    def wake(self) -> None:
        self.timekeeper.wake()
        self.dispatcher.wake()

    async def run(self) -> None:
        """The background work of the service, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.dispatcher.run())
            group.create_task(self.timekeeper.run(self._fired))
            group.create_task(self._deliver_what_time_brings())
            self.wake()

    async def _deliver_what_time_brings(self) -> None:
        while True:
            await self._fired.wait()
            self._fired.clear()
            self.dispatcher.wake()

    async def move_clock(self, offset_seconds: int) -> tuple[int, dict[str, str]]:
        """Sets the clock, lets everything in between happen in order, tells the subscribers; then webhooks go out.

        Answers how many timers fired, and what each subscriber said.
        """
        self.dispatcher.hold()
        try:
            self.clock.set_offset(offset_seconds)
            fired = self.timekeeper.run_due()
            told = await self.push_clock()
        finally:
            self.dispatcher.release()
            self.wake()
        return fired, told

    async def push_clock(self) -> dict[str, str]:
        """Who could be told the offset, and who could not."""
        results: dict[str, str] = {}
        async with httpx.AsyncClient(timeout=PUSH_TIMEOUT_SECONDS, trust_env=False) as http:
            for url in self.config.clock_subscribers:
                try:
                    answer = await http.post(url, json={"offsetSeconds": self.clock.offset})
                    results[url] = str(answer.status_code)
                except (httpx.HTTPError, OSError) as exc:
                    results[url] = f"{type(exc).__name__}: {exc}"
        return results
