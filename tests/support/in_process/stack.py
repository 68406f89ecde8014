"""The whole stack in this process: four workers, Stripe, Clerk, D1, KV and R2. One at a time, for checkpoints are global."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any, TypeVar

import httpx

from api_multi.routes import APP as API_MULTI
from deploy.vendor import load_toml
from devstack.paths import worker_folder
from devstack.stack.configuration import Configuration
from devstack.stack.ports import Ports
from devstack.stack.secrets import Secrets
from dream.domain.platform_billing import MONTHLY_PRICE_CENTS
from dream.runtime import checkpoints, clock
from dream.runtime.bindings import Sql
from dream.runtime.context import Context
from front_auth_api.routes import APP as FRONT_AUTH_API
from front_auth_api.schedule import run as front_auth_schedule
from oauth_api.routes import APP as OAUTH_API
from sign_up.routes import APP as SIGN_UP
from tests.support.in_process.checkpoints import Checkpoints
from tests.support.in_process.clock import Clock
from tests.support.in_process.database import execute, open_database
from tests.support.in_process.event_loop import event_loop
from tests.support.in_process.faults import Faults
from tests.support.in_process.isolate_memory import forget_everything
from tests.support.in_process.network import Network, origin
from tests.support.in_process.rate_limiter import CountingRateLimiter
from tests.support.in_process.stand_ins import StandIns
from tests.support.in_process.transport import InProcessTransport
from tests.support.in_process.worker import Bindings, InProcessWorker

APPS = {"api-multi": API_MULTI, "front-auth-api": FRONT_AUTH_API, "oauth-api": OAUTH_API, "sign-up": SIGN_UP}
SCHEDULES = {"front-auth-api": front_auth_schedule}
VENDORS = ("stripe", "clerk")
PERMISSIVE = 100_000
DELIVERY_ROUNDS = 12
DELIVERY_SECONDS = 30.0

Result = TypeVar("Result")


class InProcessStack:
    """Has what `tests.support.stack.Stack` says, and `faults_of_d1`, `faults_of`, `clock`, `checkpoints`, `bindings` beside it.

    When a client of the stack returns, all has happened that its request causes: effects left for after the answer, and
    webhooks that are due.
    """

    _running: InProcessStack | None = None

    def __init__(self, *, rate_limit_per_minute: int = PERMISSIVE, overrides: Mapping[str, str] | None = None) -> None:
        self._world = _world()
        event_loop().run(self._world.prepare())
        self.configuration = replace(
            self._world.configuration, rate_limit_per_minute=rate_limit_per_minute, overrides=overrides or {}
        )
        self.state: dict[str, Any] = self._world.addresses()
        self.clock = Clock()
        self._clients: dict[str, httpx.Client] = {}
        self._transport = InProcessTransport(self._exchange)
        event_loop().run(self._start(rate_limit_per_minute, overrides or {}))

    async def _start(self, rate_limit_per_minute: int, overrides: Mapping[str, str]) -> None:
        assert InProcessStack._running is None, "one in-process stack at a time"
        InProcessStack._running = self
        self.checkpoints = Checkpoints()
        network = self._world.network
        self.bindings = Bindings(
            connection=open_database(),
            clock=self.clock,
            checkpoints=self.checkpoints,
            network=network,
            rate_limiter=CountingRateLimiter(rate_limit_per_minute, self.clock.now),
            vendor_faults={self.url(vendor): Faults() for vendor in VENDORS},
        )
        self.workers = {
            name: InProcessWorker(
                app, self._world.variables(name, rate_limit_per_minute, overrides), self.bindings, SCHEDULES.get(name)
            )
            for name, app in APPS.items()
        }
        network.hosts.update({self.url(name): worker.answer for name, worker in self.workers.items()})
        self._stand_ins = self._world.stand_ins
        self._stand_ins.start_anew()
        forget_everything()
        self._in_production = clock.read, checkpoints.reached
        clock.read, checkpoints.reached = self.clock.now, self.checkpoints.reach

    def close(self) -> None:
        """Gives back the real clock. Closing again changes nothing."""
        if InProcessStack._running is not self:
            return
        for client in self._clients.values():
            client.close()
        event_loop().run(self._stop())

    async def _stop(self) -> None:
        self.checkpoints.kill_all()
        await self._settle()
        self.bindings.connection.close()
        clock.read, checkpoints.reached = self._in_production
        InProcessStack._running = None

    # What every stack has

    def url(self, service: str) -> str:
        return self._world.url(service)

    def http(self, service: str) -> httpx.Client:
        if service not in self._clients:
            self._clients[service] = httpx.Client(
                base_url=self.url(service),
                transport=self._transport,
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            )
        return self._clients[service]

    def client(self, base_url: str = "") -> httpx.Client:
        return httpx.Client(base_url=base_url, transport=self._transport)

    def at_once(self, requests: Sequence[httpx.Request]) -> list[httpx.Response]:
        async def all_of_them() -> list[httpx.Response]:
            return await asyncio.gather(*map(self._exchange, requests))

        for request in requests:
            request.read()
        return event_loop().run(all_of_them())

    def d1(self, sql: str, *params: str | int | None) -> list[dict[str, Any]]:
        async def rows() -> list[dict[str, Any]]:
            return [dict(row) for row in execute(self.bindings.connection, [Sql(sql).bind(*params)])[0]]

        return event_loop().run(rows())

    def deliver(self, patience_seconds: int = 60) -> None:
        event_loop().run(self._deliver())

    def run_scheduled(self, worker: str, cron: str = "* * * * *") -> None:
        async def run() -> None:
            await self.workers[worker].run_scheduled()
            await self._settle()

        event_loop().run(run())

    def restart_workers(self) -> None:
        forget_everything()

    def kill_workers(self) -> None:
        async def kill() -> None:
            self.checkpoints.kill_all()
            forget_everything()

        event_loop().run(kill())

    # What only this one has

    @property
    def d1_faults(self) -> Faults:
        return self.bindings.d1_faults

    def faults_of(self, vendor: str) -> Faults:
        """Makes `stripe` or `clerk` unreachable for the workers' next calls."""
        return self.bindings.vendor_faults[self.url(vendor)]

    def deploy(self, **variables: str) -> None:
        """From now on all workers run with these vars and secrets beside their own. D1, KV and R2 stay."""
        for name, worker in self.workers.items():
            worker.configure(self._world.variables(name, self.configuration.rate_limit_per_minute, variables))
        forget_everything()

    def context(self, worker: str) -> Context:
        """A context as a request of this worker gets it, for tests of a module below its handlers."""
        return self.workers[worker].context()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What the coroutine returns or raises. It runs where the stand-ins run."""
        return event_loop().run(work)

    def stripe_objects(self) -> list[dict[str, Any]]:
        """Everything that Stripe has stored, as its API shows it."""

        async def objects() -> list[dict[str, Any]]:
            return self._stand_ins.stripe_objects()

        return event_loop().run(objects())

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        answer = await self._world.network.handle_async_request(request)
        content = await answer.aread()
        if request.url.path == "/_devstack/clock" and origin(request.url) == self.url("stripe"):
            self._stand_ins.move_clock(self._stand_ins.clock_offset)
            self.clock.offset_seconds = self._stand_ins.clock_offset
        await self._settle()
        return httpx.Response(answer.status_code, headers=answer.headers, content=content, request=request)

    async def _settle(self) -> None:
        """Returns when no webhook is on its way. A request that hangs at a checkpoint is not waited for."""
        async with asyncio.timeout(DELIVERY_SECONDS):
            # The work that is waited for runs on this loop, so each turn brings it forward.
            while self._stand_ins.have_due_deliveries() and not self.checkpoints.held:  # noqa: ASYNC110
                await asyncio.sleep(0)

    async def _deliver(self) -> None:
        for _ in range(DELIVERY_ROUNDS):
            if not await self._stand_ins.hasten():
                return
            await self._settle()


class _World:
    """What is built once for a test run: secrets, addresses, the network, and the vendors."""

    def __init__(self) -> None:
        self.network = Network()
        self.configuration = Configuration(
            folder=Path(),
            ports=Ports(),
            secrets=Secrets.make(),
            platform_price_id="",
            rate_limit_per_minute=PERMISSIVE,
            debug_round_trips=True,
            reload_on_save=False,
            overrides={},
        )
        self.stand_ins = StandIns(self.configuration, self.network)
        self._is_prepared = False
        self._urls: dict[str, str] = {}
        self._addresses: dict[str, Any] | None = None
        self._variables: dict[str, dict[str, str]] = {}

    async def prepare(self) -> None:
        """Makes the price of the platform's own plan, once."""
        if self._is_prepared:
            return
        self._is_prepared = True
        for vendor, app in self.stand_ins.apps.items():
            self.network.hosts[self.configuration.url(vendor)] = httpx.ASGITransport(app).handle_async_request
        async with httpx.AsyncClient(
            transport=self.network,
            base_url=f"{self.configuration.url('stripe')}/v1",
            headers={"Authorization": f"Bearer {self.configuration.secrets.stripe_test}"},
        ) as stripe:
            product = (await stripe.post("/products", data={"name": "dream-api"})).raise_for_status().json()["id"]
            price = {"product": product, "unit_amount": MONTHLY_PRICE_CENTS, "currency": "usd"}
            made = await stripe.post("/prices", data={**price, "recurring[interval]": "month"})
        self.configuration = replace(self.configuration, platform_price_id=made.raise_for_status().json()["id"])
        await self.stand_ins.run()

    def url(self, service: str) -> str:
        if service not in self._urls:
            self._urls[service] = self.configuration.url(service)
        return self._urls[service]

    def addresses(self) -> dict[str, Any]:
        if self._addresses is None:
            self._addresses = self.configuration.addresses()
        return copy.deepcopy(self._addresses)

    def variables(self, worker: str, rate_limit_per_minute: int, overrides: Mapping[str, str]) -> Mapping[str, str]:
        """A worker's vars and secrets."""
        if worker not in self._variables:
            committed = load_toml(worker_folder(worker) / "wrangler.toml")["vars"]
            self._variables[worker] = self.configuration.variables(committed)
        return {**self._variables[worker], "RATE_LIMIT_PER_MINUTE": str(rate_limit_per_minute), **overrides}


_world = cache(_World)
