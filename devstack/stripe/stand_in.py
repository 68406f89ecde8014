"""Owns the running Stripe stand-in: creates its parts, and runs its background work. Every view gets it as its argument."""

import asyncio
import json
import time
from collections.abc import Generator
from contextlib import contextmanager

from devstack.kit.calls import Calls
from devstack.kit.clock import Clock, RealTime
from devstack.kit.deliveries import Deliveries
from devstack.kit.faults import Faults
from devstack.kit.sender import HttpSender, Sender, Unreachable
from devstack.kit.store import IN_MEMORY
from devstack.stripe import accounts
from devstack.stripe.books import Books
from devstack.stripe.config import Config
from devstack.stripe.events import Cause
from devstack.stripe.idempotency import Idempotency
from devstack.stripe.store import StripeStore, Tenant
from devstack.stripe.timekeeper import Timekeeper
from devstack.stripe.webhooks import TIMEOUT_SECONDS, Webhooks


class StandIn:
    """Stripe for one platform and the accounts that can connect to it."""

    def __init__(
        self,
        config: Config,
        *,
        database: str = IN_MEMORY,
        sender: Sender | None = None,
        real_time: RealTime = time.time,
    ) -> None:
        self.config = config
        self.store = StripeStore(database)
        self.clock = Clock(self.store, real_time)
        self.idempotency = Idempotency(self.store, self.clock)
        self.faults = Faults()
        self.calls = Calls()
        self.timekeeper = Timekeeper(self.store, config, self.clock)
        self._sender = sender or HttpSender(TIMEOUT_SECONDS)
        webhooks = Webhooks(self.store, config, self.clock)
        self.deliveries = Deliveries(
            self.store,
            self.clock,
            self._sender,
            endpoints=len(config.webhook_endpoints),
            compose=webhooks.compose,
            retry_after=webhooks.retry_after,
            on_delivered=webhooks.on_delivered,
        )
        if self.store.find(accounts.EVERYWHERE, "account", config.platform_account) is None:
            accounts.build(
                self.store,
                int(self.clock.real()),
                email="platform@example.com",
                name=config.platform_name,
                account_id=config.platform_account,
            )

    def reading(self, tenant: Tenant) -> Books:
        """One tenant's books, for reading without a transaction."""
        return Books(self.store, self.config, self.clock, tenant, Cause())

    @contextmanager
    def books(self, tenant: Tenant, cause: Cause | None = None) -> Generator[Books]:
        """One transaction on one tenant's books. Afterwards due timers fire and due webhooks are sent."""
        with self.store.transaction():
            yield Books(self.store, self.config, self.clock, tenant, cause or Cause())
        self.wake()

    def wake(self) -> None:
        self.timekeeper.wake()
        self.deliveries.wake()

    async def run(self) -> None:
        """Fires timers and sends webhooks while a server runs the app. Runs until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.deliveries.run())
            group.create_task(self.timekeeper.run(self.deliveries.wake))
            self.wake()

    async def deliver_due(self) -> int:
        """For tests in process: fires the due timers, then sends the due webhooks. Returns the number of webhooks sent.

        A webhook that fails becomes due again after `SteppedTime.step`.
        """
        self.timekeeper.run_due()
        return await self.deliveries.deliver_due()

    async def move_clock(self, offset_seconds: int) -> tuple[int, dict[str, str]]:
        """Sets the clock's offset, fires all timers up to the new time in order, sends the offset to the subscribers.

        Webhooks are held until then. Returns the number of timers that fired, and each subscriber's answer by its URL.
        """
        self.deliveries.hold()
        try:
            self.clock.set_offset(offset_seconds)
            fired = self.timekeeper.run_due()
            answers = {url: await self._send_offset(url) for url in self.config.clock_subscribers}
        finally:
            self.deliveries.release()
            self.wake()
        return fired, answers

    async def _send_offset(self, url: str) -> str:
        """Sends the offset to one subscriber. Returns the status of its answer, or the reason why there is none."""
        body = json.dumps({"offsetSeconds": self.clock.offset_seconds}).encode()
        try:
            answer = await self._sender(url, {"Content-Type": "application/json"}, body)
        except Unreachable as error:
            return str(error)
        return str(answer if isinstance(answer, int) else answer.status)

    async def aclose(self) -> None:
        self.store.close()
        if isinstance(self._sender, HttpSender):
            await self._sender.aclose()
