"""Stripe and Clerk as ASGI apps in this process. The one module that knows how the stand-ins of devstack are put together.

Both are built once for a test run, for that costs tens of milliseconds; `start_anew` gives them empty books.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import httpx
from starlette.types import ASGIApp

from devstack.clerk import app as clerk_app
from devstack.clerk.config import parse_config
from devstack.clerk.stand_in import build as build_clerk
from devstack.configuration import Configuration
from devstack.stripe.app import build as stripe_app
from devstack.stripe.config import Config
from devstack.stripe.deliveries import Rules
from devstack.stripe.standin import StandIn as StripeStandIn


class StandIns:
    """Both vendors. They send webhooks over `network` for as long as the test run lasts."""

    def __init__(self, configuration: Configuration, network: httpx.AsyncBaseTransport) -> None:
        self._network = network
        with self._sending_over_network():
            config = Config.from_json({**configuration.stripe(), "clockSubscribers": []})
            self._stripe = StripeStandIn(config, ":memory:")
        self._clerk = build_clerk(parse_config(configuration.clerk()), ":memory:")
        with mock.patch.object(clerk_app, "build", return_value=self._clerk):
            clerk = clerk_app.create_app(self._clerk.config, "")
        self.apps: dict[str, ASGIApp] = {"stripe": stripe_app(self._stripe), "clerk": clerk}
        self._beginning: dict[Any, bytes] = {}
        self._work: list[asyncio.Task[Any]] = []

    @contextmanager
    def _sending_over_network(self) -> Generator[None]:
        """The stand-ins make their own HTTP clients; here those use our network."""
        client = httpx.AsyncClient(transport=self._network, timeout=20)
        with mock.patch.object(httpx, "AsyncClient", return_value=client):
            yield

    async def run(self) -> None:
        """Starts what the stand-ins do by themselves: deliveries and timers. `start_anew` goes back to the books as they are now."""
        self._stripe.store.run("DELETE FROM deliveries")
        self._beginning = {store: _connection(store).serialize() for store in (self._stripe.store, self._clerk.store)}
        with self._sending_over_network():
            self._work = [asyncio.create_task(self._stripe.run()), asyncio.create_task(self._clerk.webhooks.run())]
            await asyncio.sleep(0)

    def start_anew(self) -> None:
        """The books of the beginning, no faults, no rules, nothing paused, the real time. Signing keys stay."""
        for store, image in self._beginning.items():
            connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            connection.deserialize(image)
            connection.row_factory = _connection(store).row_factory
            _connection(store).close()
            vars(store)["_db"] = connection
        self.move_clock(0)
        self._stripe.faults.waiting.clear()
        self._stripe.calls.seen.clear()
        self._stripe.dispatcher.set_rules(Rules())
        self._stripe.dispatcher.paused = False
        self._clerk.faults.clear()
        self._clerk.faults.calls.clear()
        self._clerk.webhooks.paused = False
        self._clerk.webhooks.drop_next = self._clerk.webhooks.duplicate_next = 0

    def stripe_objects(self) -> list[dict[str, Any]]:
        """Everything that Stripe has stored, as its API shows it."""
        rows = [json.loads(row["data"]) for row in self._stripe.store.rows("SELECT data FROM objects")]
        return [{name: value for name, value in row.items() if not name.startswith("_")} for row in rows]

    @property
    def clock_offset(self) -> float:
        return self._stripe.clock.offset

    def move_clock(self, offset_seconds: float) -> None:
        self._stripe.clock.set_offset(int(offset_seconds))
        self._clerk.clock.set_offset(offset_seconds)

    def have_due_deliveries(self) -> bool:
        """Whether a webhook is on its way, or about to be."""
        stripe, clerk = self._stripe, self._clerk
        if not stripe.dispatcher.paused and stripe.store.row(
            "SELECT 1 FROM deliveries WHERE state = 'new' OR (state = 'queued' AND due <= ?)", time.time()
        ):
            return True
        now = time.time()
        return not clerk.webhooks.paused and any(each["next_attempt_at"] <= now for each in self._pending_at_clerk())

    async def hasten(self) -> bool:
        """Makes every delivery that waits due now; those of a paused Stripe are sent at once. False if none waits."""
        stripe, clerk = self._stripe, self._clerk
        waiting = [row["id"] for row in stripe.store.rows("SELECT id FROM deliveries WHERE state IN ('new', 'queued')")]
        if stripe.dispatcher.paused:
            await stripe.dispatcher.deliver(waiting)
        else:
            stripe.dispatcher.retry_now()
        pending = [] if clerk.webhooks.paused else self._pending_at_clerk()
        for delivery in pending:
            delivery["next_attempt_at"] = 0
            clerk.store.put("delivery", delivery["instance"], delivery["id"], delivery, owner="pending")
        clerk.webhooks.set_paused(clerk.webhooks.paused)
        return bool(waiting or pending)

    def _pending_at_clerk(self) -> list[dict[str, Any]]:
        return self._clerk.store.all("delivery", owner="pending")


def _connection(store: Any) -> sqlite3.Connection:
    return vars(store)["_db"]
