"""One worker in one isolate: receives the runtime's events, and hands them to the app or to the schedule."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import js
from workers import import_from_javascript

from dream.cloudflare.cryptography import WebCrypto
from dream.cloudflare.d1 import D1Database
from dream.cloudflare.kv import KvNamespace
from dream.cloudflare.messages import request_of, response_of
from dream.cloudflare.network import Network
from dream.cloudflare.r2 import R2Bucket
from dream.cloudflare.rate_limiter import RateLimitBinding
from dream.cloudflare.values import js_object, text_or_none
from dream.errors import ApiError, Unavailable
from dream.http.app import App
from dream.http.edge import without_body_for_head
from dream.runtime.bindings import Sql
from dream.runtime.context import Context, DeliverEffects, RoundTrips
from dream.runtime.logs import Log
from dream.runtime.schedule import Schedule
from dream.runtime.settings import ConfigurationError, Settings
from dream.services.outbox.runner import Effect, delivery_of

BINDINGS = ("DB", "KV", "IMAGES", "RATE_LIMITER")


class Worker:
    """One worker: its app, the settings that it requires, the effects that it carries out, and its schedule if it has one.

    The bindings and the settings are read at the first event, because the memory snapshot of a deployed Worker has neither.
    """

    def __init__(
        self,
        app: App,
        required_settings: Sequence[str],
        effects: Mapping[str, Effect],
        schedule: Schedule | None = None,
    ) -> None:
        self._app = app
        self._required_settings = required_settings
        self._deliver_effects = delivery_of(effects)
        self._schedule = schedule
        self._isolate: _Isolate | None = None

    async def fetch(self, request: Any, execution: Any) -> Any:
        """Answers one request. All three values are the runtime's: the request, its execution context, and the response."""
        js_request = request.js_object
        try:
            isolate = self._first_or_same_isolate()
        except ConfigurationError as error:
            Log(self._app.name, "-").error("the worker is not configured", reason=str(error))
            return _not_configured()
        context = isolate.context(self._app.name, execution)
        our_request = request_of(js_request, context.request_id)
        response = await self._app.answer(context, our_request)
        base_headers = isolate.base_headers(self._app, context)
        return response_of(self._app, context, without_body_for_head(our_request.method, response), base_headers)

    async def scheduled(self, execution: Any) -> None:
        """Runs the worker's schedule once, if it has one."""
        if self._schedule is not None:
            await self._schedule(self._first_or_same_isolate().context(self._app.name, execution))

    def _first_or_same_isolate(self) -> _Isolate:
        if self._isolate is None:
            self._isolate = _Isolate(self._required_settings, self._deliver_effects)
        return self._isolate


class _Isolate:
    """What lives as long as the isolate: bindings, prepared statements, settings, and the headers of every response."""

    def __init__(self, required_settings: Sequence[str], deliver_effects: DeliverEffects) -> None:
        env = import_from_javascript("cloudflare:workers").env
        missing = [name for name in BINDINGS if not hasattr(env, name)]
        if missing:
            raise ConfigurationError(missing)
        self._settings = Settings(lambda name: text_or_none(getattr(env, name, None)), required_settings)
        self._deliver_effects = deliver_effects
        self._d1 = env.DB
        self._statements: dict[Sql, Any] = {}
        self._kv = env.KV
        self._images = R2Bucket(env.IMAGES)
        self._rate_limiter = RateLimitBinding(env.RATE_LIMITER)
        self._cryptography = WebCrypto()
        self._base_headers: Any = None
        self._request_id_prefix = f"req_{os.urandom(8).hex()}"
        self._requests = 0

    def context(self, worker: str, execution: Any) -> Context:
        """The context of one request or of one run of the schedule."""
        self._requests += 1
        request_id = f"{self._request_id_prefix}{self._requests:06x}"
        trips = RoundTrips()
        return Context(
            db=D1Database(self._d1, self._statements, trips),
            kv=KvNamespace(self._kv, trips),
            images=self._images,
            rate_limiter=self._rate_limiter,
            fetch=Network(trips),
            cryptography=self._cryptography,
            settings=self._settings,
            # A lambda, because reading `waitUntil` makes a proxy, and most requests never call it.
            wait_until=lambda awaitable: execution.waitUntil(awaitable),
            deliver_effects=self._deliver_effects,
            log=Log(worker, request_id),
            request_id=request_id,
            trips=trips,
        )

    def base_headers(self, app: App, context: Context) -> Any:
        """The JavaScript Headers that every response of the app starts from. Built once, then copied for each response."""
        if self._base_headers is None:
            base = js.Headers.new()
            for name, value in app.base_headers(context).items():
                base.set(name, value)
            self._base_headers = base
        return self._base_headers


def _not_configured() -> Any:
    """The response of a worker that lacks a binding or a setting. It is built by hand, because there is no context yet."""
    error: ApiError = Unavailable(code="misconfigured")
    body = json.dumps({**error.to_json(), "requestId": "-"})
    headers = {"Content-Type": "application/json; charset=utf-8", "X-Request-Id": "-", "Cache-Control": "no-store"}
    return js.Response.new(body, status=error.status, headers=js_object(headers))
