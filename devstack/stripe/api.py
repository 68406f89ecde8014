"""Answers each call to the API: checks key, account, version, route and parameters, and handles idempotency.

What a call does is in `resources`.
"""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from devstack.kit.calls import Call
from devstack.kit.faults import Fault
from devstack.stripe import errors, expand, forms, idempotency, parameters, routing
from devstack.stripe.books import public
from devstack.stripe.config import API_VERSION
from devstack.stripe.events import Cause
from devstack.stripe.ids import new_id
from devstack.stripe.jsontypes import Json
from devstack.stripe.resources.routes import TABLE
from devstack.stripe.stand_in import StandIn
from devstack.stripe.store import Tenant

_ACCOUNT = re.compile(r"^acct_[A-Za-z0-9]+$")


@dataclass(frozen=True)
class Caller:
    """Who calls: the API key, and the account and mode on which it acts."""

    tenant: Tenant
    key: str


def authenticate(stand_in: StandIn, request: Request) -> Caller:
    """The caller, from `Authorization` and `Stripe-Account`. Raises StripeFault 401 or 403."""
    key = _key(request.headers.get("authorization", ""))
    tenant = _tenant_of(stand_in, key)
    wanted = request.headers.get("stripe-account")
    if wanted and wanted != tenant.account:
        if not _ACCOUNT.match(wanted) or not _may_use(stand_in, tenant, wanted):
            raise errors.StripeFault(
                403,
                f"The provided key '{errors.mask_key(key)}' does not have access to account '{wanted}' (or that account"
                " does not exist). Application access may have been revoked.",
                code="account_invalid",
            )
        tenant = Tenant(wanted, tenant.livemode)
    return Caller(tenant, key)


def _key(header: str) -> str:
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest).decode().partition(":")[0]
        except ValueError:
            return ""
    return ""


def _tenant_of(stand_in: StandIn, key: str) -> Tenant:
    if not key:
        raise errors.StripeFault(
            401,
            "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth"
            " (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or"
            " we can help at https://support.stripe.com/.",
        )
    livemode = stand_in.config.livemode_of_key(key)
    if livemode is not None:
        return Tenant(stand_in.config.platform_account, livemode)
    row = stand_in.store.row("SELECT account, livemode FROM connections WHERE access_token = ?", key)
    if row is not None:
        return Tenant(row["account"], bool(row["livemode"]))
    raise errors.StripeFault(401, f"Invalid API Key provided: {errors.mask_key(key)}")


def _may_use(stand_in: StandIn, tenant: Tenant, account: str) -> bool:
    """Whether the platform may act on a connected account. A live connection also gives access to the account's test data."""
    if tenant.account != stand_in.config.platform_account:
        return False
    rows = stand_in.store.rows("SELECT livemode FROM connections WHERE account = ?", account)
    return any(bool(row["livemode"]) or not tenant.livemode for row in rows)


async def answer(stand_in: StandIn, request: Request) -> Response:
    """Answers one call and records it for the controls."""
    request_id = new_id("request")
    method, path = request.method, request.url.path
    caller: Caller | None = None
    route_path, replayed, key = path, False, None
    try:
        caller = authenticate(stand_in, request)
        _check_version(request)
        found = routing.find(TABLE, method, path)
        if found is None:
            raise errors.unrecognized_url(method, path)
        route, values = found
        route_path = route.path
        params = await _params(request)
        expansions = _expansions(params)
        key = request.headers.get("idempotency-key") if method == "POST" else None
        run = _Run(stand_in, caller.tenant, Cause(request_id, key), route, values, params, expansions)
        fault = stand_in.faults.take(method, path)
        if key:
            status, body, request_id, replayed = await _once(stand_in, run, key, path, fault)
        else:
            status, body = await run.answer(fault)
    except errors.StripeFault as exc:
        status, body = exc.status, json.dumps(exc.body(bool(caller and caller.tenant.livemode), request_id), indent=2)
    details = {
        "route": route_path,
        "account": caller.tenant.account if caller else "",
        "livemode": bool(caller and caller.tenant.livemode),
        "status": status,
        "idempotencyKey": key,
        "replayed": replayed,
    }
    stand_in.calls.add(Call(method, path, details))
    return _response(request, caller, status, body, request_id, key, replayed)


def _response(
    request: Request, caller: Caller | None, status: int, body: str, request_id: str, key: str | None, replayed: bool
) -> Response:
    headers = {
        "Request-Id": request_id,
        "Stripe-Version": request.headers.get("stripe-version", API_VERSION),
        "Cache-Control": "no-cache, no-store",
    }
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="Stripe"'
    if caller and request.headers.get("stripe-account"):
        headers["Stripe-Account"] = caller.tenant.account
    if key:
        headers["Idempotency-Key"] = key
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    if status in (409, 429) or status >= 500:
        headers["Stripe-Should-Retry"] = "true"
    return Response(body, status, headers, media_type="application/json")


@dataclass(frozen=True)
class _Run:
    """One call, authenticated and matched to its route."""

    stand_in: StandIn
    tenant: Tenant
    cause: Cause
    route: routing.Route
    values: tuple[str, ...]
    params: Json
    expansions: list[str]

    def checked(self) -> Json:
        """The parameters with their types. Raises StripeFault. Stripe stores no idempotent answer for a call that fails here."""
        return parameters.read(self.params, self.route.params, self.route.handles)

    def execute(self, checked: Json) -> tuple[int, str]:
        try:
            with self.stand_in.books(self.tenant, self.cause) as books:
                result = public(self.route.call(books, checked, self.values))
                result = expand.apply(books, json.loads(json.dumps(result)), self.expansions)
        except errors.StripeFault as exc:
            return exc.status, json.dumps(exc.body(self.tenant.livemode, self.cause.request_id or ""), indent=2)
        return 200, json.dumps(result, indent=2)

    async def answer(self, fault: Fault | None, save: Callable[[int, str], None] | None = None) -> tuple[int, str]:
        """Status and body. `save` is called with the answer of a call that took effect, also if a fault replaces that answer."""
        if fault:
            await fault.wait()
        fails = fault is not None and fault.status is not None
        if fault and fails and not fault.after:
            return self.failure(fault)
        status, body = self.execute(self.checked())
        if save:
            save(status, body)
        return self.failure(fault) if fault and fails else (status, body)

    def failure(self, fault: Fault) -> tuple[int, str]:
        status = fault.status or 500
        kind = "invalid_request_error" if status < 500 else "api_error"
        code = fault.code or ("rate_limit" if status == 429 else None)
        made = errors.StripeFault(status, "A control of the local stand-in made this call fail.", kind=kind, code=code)
        return status, json.dumps(made.body(self.tenant.livemode, self.cause.request_id or ""), indent=2)


async def _once(stand_in: StandIn, run: _Run, key: str, path: str, fault: Fault | None) -> tuple[int, str, str, bool]:
    """Runs the call, unless its idempotency key already has an answer. Returns (status, body, request id, replayed)."""
    own_id = run.cause.request_id or ""
    fingerprint = idempotency.fingerprint(run.route.method, path, run.params)
    saved = stand_in.idempotency.begin(run.tenant, key, path, fingerprint)
    if saved is not None:
        return saved.status, saved.body, saved.request_id, True
    try:

        def save(status: int, body: str) -> None:
            stand_in.idempotency.save(run.tenant, key, path, fingerprint, idempotency.Answer(status, body, own_id))

        status, body = await run.answer(fault, save)
        return status, body, own_id, False
    finally:
        stand_in.idempotency.finish(run.tenant, key)


def _check_version(request: Request) -> None:
    version = request.headers.get("stripe-version", API_VERSION)
    if version != API_VERSION:
        raise errors.invalid(f"Invalid Stripe API version: {version}. This local stand-in supports only {API_VERSION}.")


async def _params(request: Request) -> Json:
    pairs = parse_qsl(request.url.query, keep_blank_values=True)
    if request.method in ("POST", "DELETE"):
        body = (await request.body()).decode("utf-8", "replace")
        pairs += parse_qsl(body, keep_blank_values=True)
    return forms.decode(pairs)


def _expansions(params: Json) -> list[str]:
    """Removes `expand` from the parameters and returns it. Every call accepts it."""
    raw = params.pop("expand", [])
    if not isinstance(raw, list) or not all(isinstance(path, str) for path in raw):  # pyright: ignore[reportUnknownVariableType]
        raise errors.invalid("Invalid array", "expand")
    return [str(path) for path in raw]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
