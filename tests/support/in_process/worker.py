"""One worker in this process: its app over bindings that are played here."""

from __future__ import annotations

import asyncio
import copy
import itertools
import json
import os
import sqlite3
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field

import httpx

from devstack.stack.local_context import OpenSslCryptography
from dream.errors import ApiError
from dream.http.app import App
from dream.runtime.context import Context, RoundTrips
from dream.runtime.logs import Log
from dream.runtime.schedule import Schedule
from dream.runtime.settings import Settings
from dream.services.outbox import clerk, effects
from dream.services.outbox.runner import delivery_of
from tests.support.in_process.checkpoints import Checkpoints, Killed
from tests.support.in_process.clock import Clock
from tests.support.in_process.database import SqliteDatabase
from tests.support.in_process.edge import answer_of, request_of
from tests.support.in_process.faults import Faults
from tests.support.in_process.key_value import DictKeyValue, Namespace
from tests.support.in_process.network import Network, VendorFetch
from tests.support.in_process.object_store import DictObjectStore
from tests.support.in_process.rate_limiter import CountingRateLimiter

SIDE_DOOR = "/_devstack/"


@dataclass
class Bindings:
    """What the four workers share, and what a test may disturb."""

    connection: sqlite3.Connection
    clock: Clock
    checkpoints: Checkpoints
    network: Network
    rate_limiter: CountingRateLimiter
    d1_faults: Faults = field(default_factory=Faults)
    kv_faults: Faults = field(default_factory=Faults)
    r2_faults: Faults = field(default_factory=Faults)
    vendor_faults: dict[str, Faults] = field(default_factory=dict[str, Faults])
    """By the vendor's origin."""

    def __post_init__(self) -> None:
        self.namespace = Namespace(self.clock.now)
        self.bucket = DictObjectStore(self.r2_faults)


# As each worker's entry.py says.
DELIVER_EFFECTS = {
    name: delivery_of(clerk.EFFECTS if name == "sign-up" else effects.ALL)
    for name in ("api-multi", "front-auth-api", "oauth-api", "sign-up")
}


class InProcessWorker:
    """Answers requests as the worker does behind `devstack/stack/workerd/worker/local_entry.py`, side door included."""

    def __init__(self, app: App, variables: Mapping[str, str], bindings: Bindings, schedule: Schedule | None) -> None:
        self._app = copy.copy(app)  # it remembers headers made of its settings
        self._settings = Settings(variables.get, required=())
        self._bindings = bindings
        self._schedule = schedule
        self._id_prefix = f"req_{os.urandom(8).hex()}"
        self._numbers = itertools.count(1)

    def configure(self, variables: Mapping[str, str]) -> None:
        """The vars and secrets that later requests see."""
        self._settings = Settings(variables.get, required=())

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """The answer, once all has run that `wait_until` left for afterwards. Raises Killed if a checkpoint kills it."""
        if request.url.path.startswith(SIDE_DOOR):
            return await self._answer_side_door(request)
        afterwards: list[Awaitable[None]] = []
        context = self._context(afterwards)
        ours = request_of(request, context.request_id)
        try:
            response = await self._app.answer(context, ours)
        except Killed:
            _forget(afterwards)
            raise
        answer = answer_of(self._app, context, ours, response)
        await _finish(afterwards)
        return answer

    async def run_scheduled(self) -> None:
        """One run of the worker's schedule."""
        assert self._schedule, f"{self._app.name} has no schedule"
        afterwards: list[Awaitable[None]] = []
        await self._schedule(self._context(afterwards))
        await _finish(afterwards)

    def context(self) -> Context:
        """A context as a request of this worker gets it. What `wait_until` leaves for afterwards is forgotten."""
        return self._context([])

    def _context(self, afterwards: list[Awaitable[None]]) -> Context:
        bindings = self._bindings
        trips = RoundTrips()
        request_id = f"{self._id_prefix}{next(self._numbers):06x}"
        return Context(
            db=SqliteDatabase(bindings.connection, trips, bindings.d1_faults),
            kv=DictKeyValue(bindings.namespace, trips, bindings.kv_faults),
            images=bindings.bucket,
            rate_limiter=bindings.rate_limiter,
            fetch=VendorFetch(bindings.network, bindings.vendor_faults, trips),
            cryptography=OpenSslCryptography(),
            settings=self._settings,
            wait_until=afterwards.append,
            deliver_effects=DELIVER_EFFECTS[self._app.name],
            log=Log(self._app.name, request_id),
            request_id=request_id,
            trips=trips,
        )

    async def _answer_side_door(self, request: httpx.Request) -> httpx.Response:
        action = request.url.path.removeprefix(SIDE_DOOR)
        body = json.loads(request.content or b"{}") if request.method == "POST" else {}
        clock, checkpoints = self._bindings.clock, self._bindings.checkpoints
        if action == "clock":
            clock.offset_seconds = float(body.get("offsetSeconds", clock.offset_seconds))
            return httpx.Response(200, json={"offsetSeconds": clock.offset_seconds, "now": clock.now()})
        if action == "checkpoints":
            if "armed" in body:
                checkpoints.arm(body["armed"])
            return httpx.Response(200, json={"armed": checkpoints.armed, "reached": checkpoints.reached})
        if action == "scheduled":
            await self.run_scheduled()
            return httpx.Response(200, json={"status": "ok"})
        return httpx.Response(404, json={"error": "Not found"})


async def _finish(afterwards: list[Awaitable[None]]) -> None:
    """Runs what was left for after the answer. A part of the platform that fails there is only logged; a mistake is raised."""
    while afterwards:
        try:
            await afterwards.pop(0)
        except ApiError as error:
            Log("in process", "-").error("failed after the answer", reason=error.reason)
        except Killed:
            # The answer has gone; the isolate dies, and the rest is lost with it.
            _forget(afterwards)


def _forget(afterwards: list[Awaitable[None]]) -> None:
    for lost in afterwards:
        if asyncio.iscoroutine(lost):
            lost.close()
    afterwards.clear()
