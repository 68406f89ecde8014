"""The one module that knows `js`, `pyodide` and `workers`: requests, responses and bindings of the Workers runtime, as ours.

Bindings are used unwrapped and statements are prepared once per isolate: each attribute, argument and result that crosses the
language border costs, and this is the path that every request takes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

import js
from pyodide.ffi import JsException, jsnull, to_js
from workers import fetch as workers_fetch
from workers import import_from_javascript

from dream.db import health
from dream.errors import ApiError, ConstraintFailed, DatabaseFailed, TooLarge, Unavailable
from dream.http.app import App
from dream.http.edge import declared_size, headers_over_base, path_and_query, without_body_for_head
from dream.http.request import MAXIMUM_FORM_FIELDS, FormField, Request
from dream.http.response import Response
from dream.runtime.bindings import Bound, FetchResponse, Row, Scalar, Sql, StoredObject, VendorUnreachable
from dream.runtime.context import Context, DeliverEffects, RoundTrips
from dream.runtime.logs import Log
from dream.runtime.schedule import Schedule
from dream.runtime.settings import ConfigurationError, Settings
from dream.services.outbox.runner import Effect, delivery_of

KV_MINIMUM_TTL_SECONDS = 60


class Worker:
    """One worker in one isolate: its app, its required settings, the effects that it carries out, and its bindings."""

    def __init__(
        self,
        app: App,
        required_settings: Sequence[str],
        effects: Mapping[str, Effect],
        schedule: Schedule | None = None,
    ) -> None:
        self._app = app
        self._required = required_settings
        self._deliver_effects = delivery_of(effects)
        self._schedule = schedule
        self._isolate: _Isolate | None = None

    async def fetch(self, request: Any, execution: Any) -> Any:
        """The runtime's response to the runtime's request (both as the SDK hands them over)."""
        js_request = request.js_object
        try:
            isolate = self._isolate_now()
        except ConfigurationError as error:
            Log(self._app.name, "-").error("misconfigured", reason=str(error))
            return _bare_error()
        context = isolate.context(self._app.name, execution)
        ours = _request_of(js_request, context.request_id)
        response = await self._app.answer(context, ours)
        return isolate.respond(self._app, context, without_body_for_head(ours.method, response))

    async def scheduled(self, execution: Any) -> None:
        """One run of the worker's schedule."""
        if self._schedule is not None:
            await self._schedule(self._isolate_now().context(self._app.name, execution))

    def _isolate_now(self) -> _Isolate:
        if self._isolate is None:
            self._isolate = _Isolate(self._required, self._deliver_effects)
        return self._isolate


class _Isolate:
    """What lives as long as the isolate: raw bindings, prepared statements, settings, the headers that every answer carries."""

    def __init__(self, required: Sequence[str], deliver_effects: DeliverEffects) -> None:
        env = import_from_javascript("cloudflare:workers").env
        missing = [name for name in ("DB", "KV", "IMAGES", "RATE_LIMITER") if not hasattr(env, name)]
        if missing:
            raise ConfigurationError(missing)
        self.settings = Settings(lambda name: _text(getattr(env, name, None)), required)
        self._deliver_effects = deliver_effects
        self._d1 = env.DB
        self._statements: dict[Sql, Any] = {}
        self._kv = env.KV
        self._images = _Images(env.IMAGES)
        self._rate_limiter = _RateLimiter(env.RATE_LIMITER)
        self._cryptography = _Cryptography()
        self._base_headers: Any = None
        self._id_prefix = f"req_{os.urandom(8).hex()}"
        self._requests = 0

    def context(self, worker: str, execution: Any) -> Context:
        self._requests += 1
        request_id = f"{self._id_prefix}{self._requests:06x}"
        trips = RoundTrips()
        return Context(
            db=_Database(self._d1, self._statements, trips),
            kv=_KeyValue(self._kv, trips),
            images=self._images,
            rate_limiter=self._rate_limiter,
            fetch=_Fetch(trips),
            cryptography=self._cryptography,
            settings=self.settings,
            wait_until=lambda awaitable: execution.waitUntil(
                awaitable
            ),  # looked up when needed: a look-up makes a proxy
            deliver_effects=self._deliver_effects,
            log=Log(worker, request_id),
            request_id=request_id,
            trips=trips,
        )

    def respond(self, app: App, context: Context, response: Response) -> Any:
        if self._base_headers is None:
            base = js.Headers.new()
            for name, value in app.base_headers(context).items():
                base.set(name, value)
            self._base_headers = base
        headers = js.Headers.new(self._base_headers)
        for name, value in headers_over_base(app, context, response):
            headers.set(name, value)
        for cookie in response.cookies:
            headers.append("Set-Cookie", cookie)
        body = response.body
        if body is None:
            headers.delete("Content-Type")
        return js.Response.new(
            jsnull if body is None else to_js(body) if isinstance(body, bytes) else body,
            status=response.status,
            headers=headers,
        )


def _request_of(js_request: Any, request_id: str) -> Request:
    url: str = js_request.url
    path, query_string = path_and_query(url)

    async def read_body(cap_bytes: int) -> bytes:
        return await _read_body(js_request, cap_bytes)

    return Request(
        js_request.method, url, path, query_string, _Headers(js_request.headers), read_body, _parse_form, request_id
    )


async def _read_body(js_request: Any, cap_bytes: int) -> bytes:
    content_length = js_request.headers.get("content-length")
    size = declared_size(content_length if isinstance(content_length, str) else None, cap_bytes)
    if size == 0:
        return b""
    if size is not None:
        return (await js_request.arrayBuffer()).to_bytes()
    stream = js_request.body
    if stream is None or stream is jsnull:
        return b""
    reader = stream.getReader()
    chunks: list[bytes] = []
    size = 0
    while not (part := await reader.read()).done:
        chunk = part.value.to_bytes()
        size += len(chunk)
        if size > cap_bytes:
            await reader.cancel()
            raise TooLarge(cap_bytes)
        chunks.append(chunk)
    return b"".join(chunks)


async def _parse_form(content_type: str, body: bytes) -> list[FormField]:
    """ParseForm by the runtime's own FormData."""
    headers = _js_object({"Content-Type": content_type})
    try:
        form = await js.Response.new(to_js(body), headers=headers).formData()
    except JsException as error:
        raise ValueError(str(error)) from None
    entries = getattr(js.Array, "from")(form.entries())
    if entries.length > MAXIMUM_FORM_FIELDS:
        raise ValueError(f"{entries.length} fields")
    return [await _form_field(name, value) for name, value in entries]


async def _form_field(name: str, value: Any) -> FormField:
    if isinstance(value, str):
        return FormField(name, None, value.encode())
    return FormField(name, value.name, (await value.arrayBuffer()).to_bytes())


class _Headers:
    """The request's headers, read one at a time: most are never asked for."""

    __slots__ = ("_js",)

    def __init__(self, js_headers: Any) -> None:
        self._js = js_headers

    def get(self, name: str) -> str | None:
        value = self._js.get(name)
        return value if isinstance(value, str) else None


class _Database:
    """D1 unwrapped. One instance per request, so that round trips are counted; statements are the isolate's."""

    __slots__ = ("_d1", "_statements", "_trips")

    def __init__(self, d1: Any, statements: dict[Sql, Any], trips: RoundTrips) -> None:
        self._d1 = d1
        self._statements = statements
        self._trips = trips

    def _bound(self, statement: Sql, values: Sequence[Scalar]) -> Any:
        prepared = self._statements.get(statement)
        if prepared is None:
            prepared = self._statements[statement] = self._d1.prepare(statement)
        if not values:
            return prepared
        return prepared.bind(*[jsnull if value is None else value for value in values])

    async def value(self, statement: Sql, *values: Scalar) -> Any:
        self._trips.d1 += 1
        try:
            answer = await self._bound(statement, values).first("answer")
        except JsException as error:
            raise _database_error(error) from None
        return None if answer is jsnull else answer

    async def first(self, statement: Sql, *values: Scalar) -> Row | None:
        rows = await self.all(statement, *values)
        return rows[0] if rows else None

    async def all(self, statement: Sql, *values: Scalar) -> list[Row]:
        self._trips.d1 += 1
        try:
            result = await self._bound(statement, values).all()
        except JsException as error:
            raise _database_error(error) from None
        return json.loads(js.JSON.stringify(result.results))

    async def run(self, statement: Sql, *values: Scalar) -> int:
        self._trips.d1 += 1
        try:
            result = await self._bound(statement, values).run()
        except JsException as error:
            raise _database_error(error) from None
        return int(result.meta.changes)

    async def batch(self, statements: Sequence[Bound]) -> list[list[Row]]:
        self._trips.d1 += 1
        try:
            results = await self._d1.batch(to_js([self._bound(one.statement, one.values) for one in statements]))
        except JsException as error:
            raise _database_error(error) from None
        return [result["results"] for result in json.loads(js.JSON.stringify(results))]

    async def probe(self) -> None:
        await self.value(health.ANY_PLATFORM)


def _database_error(error: JsException) -> Exception:
    words = str(error)
    if "SQLITE_CONSTRAINT" in words:
        return ConstraintFailed(words)
    return DatabaseFailed(reason=words)


class _KeyValue:
    """KV with JSON values. It is a cache: what fails reads as a miss."""

    __slots__ = ("_kv", "_trips")

    def __init__(self, kv: Any, trips: RoundTrips) -> None:
        self._kv = kv
        self._trips = trips

    async def get(self, key: str) -> Any | None:
        self._trips.kv_reads += 1
        try:
            text = await self._kv.get(key)
        except JsException:
            return None
        return json.loads(text) if isinstance(text, str) else None

    async def put(self, key: str, value: Any, ttl_seconds: int | None = None) -> None:
        self._trips.kv_writes += 1
        text = json.dumps(value)
        try:
            if ttl_seconds is None:
                await self._kv.put(key, text)
            else:
                await self._kv.put(key, text, expirationTtl=max(ttl_seconds, KV_MINIMUM_TTL_SECONDS))
        except JsException:
            return

    async def delete(self, key: str) -> None:
        self._trips.kv_writes += 1
        try:
            await self._kv.delete(key)
        except JsException:
            return

    async def probe(self) -> None:
        await self._kv.get("health")


class _Images:
    """R2."""

    def __init__(self, bucket: Any) -> None:
        self._bucket = bucket

    async def get(self, key: str) -> StoredObject | None:
        try:
            found = await self._bucket.get(key)
            if found is None or found is jsnull:
                return None
            body = (await found.arrayBuffer()).to_bytes()
        except JsException as error:
            raise Unavailable(reason=str(error)) from None
        content_type = found.httpMetadata.contentType
        return StoredObject(
            body, content_type if isinstance(content_type, str) else "application/octet-stream", found.httpEtag
        )

    async def put(self, key: str, body: bytes, content_type: str, cache_control: str) -> None:
        metadata = {"contentType": content_type, "cacheControl": cache_control}
        try:
            await self._bucket.put(key, to_js(body), httpMetadata=_js_object(metadata))
        except JsException as error:
            raise Unavailable(reason=str(error)) from None

    async def delete(self, keys: Sequence[str]) -> None:
        if not keys:
            return
        try:
            await self._bucket.delete(to_js(list(keys)))
        except JsException as error:
            raise Unavailable(reason=str(error)) from None

    async def list(self, prefix: str) -> list[str]:
        keys: list[str] = []
        options: dict[str, Any] = {"prefix": prefix}
        try:
            while True:
                page = await self._bucket.list(_js_object(options))
                keys.extend(stored.key for stored in page.objects)
                if not page.truncated:
                    return keys
                options["cursor"] = page.cursor
        except JsException as error:
            raise Unavailable(reason=str(error)) from None


class _RateLimiter:
    """The Rate Limiting binding. It is permissive by design, so its own failure refuses nobody."""

    def __init__(self, binding: Any) -> None:
        self._binding = binding

    async def allows(self, key: str) -> bool:
        try:
            return bool((await self._binding.limit(key=key)).success)
        except JsException:
            return True


class _Fetch:
    """The network. Redirects are never followed: a vendor that redirects is an answer to look at."""

    __slots__ = ("_trips",)

    def __init__(self, trips: RoundTrips) -> None:
        self._trips = trips

    async def __call__(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: str | bytes | None = None,
        timeout_seconds: float = 10.0,
    ) -> FetchResponse:
        self._trips.fetches += 1
        options: dict[str, Any] = {"body": body} if body is not None else {}
        try:
            response = await workers_fetch(
                url,
                method=method,
                headers=dict(headers or {}),
                redirect="manual",
                signal=js.AbortSignal.timeout(int(timeout_seconds * 1000)),
                **options,
            )
            content = await response.bytes()
        except (OSError, JsException) as error:
            raise VendorUnreachable(str(error)) from None
        return FetchResponse(
            response.status, {name.lower(): value for name, value in response.headers.items()}, content
        )


class _Cryptography:
    """AES-GCM of WebCrypto."""

    async def encrypt(self, key: bytes, plaintext: bytes, associated_data: bytes) -> bytes:
        nonce = os.urandom(12)
        sealed = await js.crypto.subtle.encrypt(_aes_gcm(nonce, associated_data), await _aes_key(key), to_js(plaintext))
        return nonce + sealed.to_bytes()

    async def decrypt(self, key: bytes, sealed: bytes, associated_data: bytes) -> bytes:
        try:
            opened = await js.crypto.subtle.decrypt(
                _aes_gcm(sealed[:12], associated_data), await _aes_key(key), to_js(sealed[12:])
            )
        except (OSError, JsException):
            raise ValueError("not sealed by this key") from None
        return opened.to_bytes()


def _aes_gcm(nonce: bytes, associated_data: bytes) -> Any:
    return _js_object({"name": "AES-GCM", "iv": to_js(nonce), "additionalData": to_js(associated_data)})


def _aes_key(key: bytes) -> Awaitable[Any]:
    return js.crypto.subtle.importKey("raw", to_js(key), "AES-GCM", False, to_js(["encrypt", "decrypt"]))


def _js_object(value: Mapping[str, Any]) -> Any:
    return to_js(value, dict_converter=js.Object.fromEntries)


def _text(value: Any) -> str | None:
    return None if value is None or value is jsnull else str(value)


def _bare_error() -> Any:
    """The answer of a worker that lacks a setting: nothing of ours can be built without it."""
    error: ApiError = Unavailable(code="misconfigured")
    body = json.dumps({**error.to_json(), "requestId": "-"})
    headers = {"Content-Type": "application/json; charset=utf-8", "X-Request-Id": "-", "Cache-Control": "no-store"}
    return js.Response.new(body, status=error.status, headers=_js_object(headers))
