"""Stripe and Clerk as ASGI apps in this process. Their webhooks go over the network of this process.

Both are built once for a test run, since that takes tens of milliseconds; `start_anew` gives them the data of the beginning.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx
from starlette.types import ASGIApp

from devstack.clerk.app import create_app as create_clerk
from devstack.clerk.app import stand_in_of as clerk_of
from devstack.clerk.config import Config as ClerkConfig
from devstack.kit.deliveries import Deliveries, Rules
from devstack.kit.sender import ANSWER_KEPT_CHARACTERS, Answer, Unreachable
from devstack.stack.configuration import Configuration
from devstack.stripe.app import create_app as create_stripe
from devstack.stripe.app import stand_in_of as stripe_of
from devstack.stripe.config import Config as StripeConfig


class StandIns:
    """Both vendors, and their background work for as long as the test run lasts."""

    def __init__(self, configuration: Configuration, network: httpx.AsyncBaseTransport) -> None:
        async def send(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
            request = httpx.Request("POST", url, headers=dict(headers), content=body)
            try:
                answer = await network.handle_async_request(request)
                await answer.aread()
            except httpx.TransportError as error:
                raise Unreachable(str(error)) from error
            return Answer(answer.status_code, answer.text[:ANSWER_KEPT_CHARACTERS])

        stripe_config = StripeConfig.from_json({**configuration.stripe(), "clockSubscribers": []})
        stripe_app = create_stripe(stripe_config, sender=send)
        clerk_app = create_clerk(ClerkConfig.from_json(configuration.clerk()), sender=send)
        self.apps: dict[str, ASGIApp] = {"stripe": stripe_app, "clerk": clerk_app}
        self._stripe, self._clerk = stripe_of(stripe_app), clerk_of(clerk_app)
        self._beginnings: dict[Any, bytes] = {}
        self._work: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Starts the background work: deliveries and timers. `start_anew` goes back to the data as they are now."""
        for stand_in in (self._stripe, self._clerk):
            stand_in.deliveries.queue.clear()
            self._beginnings[stand_in.store] = stand_in.store.snapshot()
        self._work = [asyncio.create_task(self._stripe.run()), asyncio.create_task(self._clerk.run())]
        await asyncio.sleep(0)

    def start_anew(self) -> None:
        """Restores the data of the beginning: no faults, no rules, nothing paused, the real time. Signing keys stay."""
        for store, snapshot in self._beginnings.items():
            store.restore(snapshot)
        self.move_clock(0)
        for stand_in in (self._stripe, self._clerk):
            stand_in.faults.clear()
            stand_in.calls.clear()
            stand_in.deliveries.set_rules(Rules())
            stand_in.deliveries.paused = False
        self._clerk.webhooks.drop_next = self._clerk.webhooks.duplicate_next = 0

    def stripe_objects(self) -> list[dict[str, Any]]:
        """Everything that Stripe has stored, as its API shows it."""
        rows = [json.loads(row["data"]) for row in self._stripe.store.rows("SELECT data FROM objects")]
        return [{name: value for name, value in row.items() if not name.startswith("_")} for row in rows]

    @property
    def clock_offset(self) -> float:
        """Seconds by which Stripe's clock control has moved the time."""
        return self._stripe.clock.offset_seconds

    def move_clock(self, offset_seconds: float) -> None:
        self._stripe.clock.set_offset(int(offset_seconds))
        self._clerk.clock.set_offset(offset_seconds)

    def have_due_deliveries(self) -> bool:
        """Whether a webhook is on its way, or about to be."""
        return any(_has_due(stand_in.deliveries, stand_in.clock.real()) for stand_in in (self._stripe, self._clerk))

    async def hasten(self) -> bool:
        """Makes every delivery that waits due now; those of a paused Stripe are sent at once. Returns False if none waits."""
        stripe, clerk = self._stripe.deliveries, self._clerk.deliveries
        waiting = [delivery.id for delivery in stripe.queue.waiting()]
        if stripe.paused:
            await stripe.deliver(waiting)
        else:
            stripe.retry_now()
        pending = [] if clerk.paused else clerk.queue.waiting()
        if pending:
            clerk.retry_now()
        return bool(waiting or pending)


def _has_due(deliveries: Deliveries, now: float) -> bool:
    if deliveries.paused:
        return False
    return bool(deliveries.queue.undecided()) or deliveries.queue.next(now, besides=()) is not None
