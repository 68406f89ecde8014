"""What tests and people do to the stand-in under /_devstack: users, tokens, clock, keys, webhooks, faults, counters."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from devstack.clerk import errors
from devstack.clerk.config import Instance
from devstack.clerk.faults import Fault
from devstack.clerk.hosted_pages import render
from devstack.clerk.stand_in import StandIn
from devstack.clerk.store import Document

Fields = dict[str, Any]
Control = Callable[[StandIn, Fields], Any]


def routes(stand_in: StandIn) -> list[Route]:
    """The table of controls. GET and DELETE take their fields from the query, POST from a JSON body."""
    table: list[tuple[str, str, Control]] = [
        ("GET", "/_devstack/instances", _instances),
        ("POST", "/_devstack/users", _create_user),
        ("POST", "/_devstack/tokens", _mint),
        ("POST", "/_devstack/sessions/status", _set_session_status),
        ("GET", "/_devstack/clock", _get_clock),
        ("POST", "/_devstack/clock", _set_clock),
        ("POST", "/_devstack/keys/rotate", _rotate),
        ("GET", "/_devstack/calls", _calls),
        ("DELETE", "/_devstack/calls", _forget_calls),
        ("GET", "/_devstack/faults", _faults),
        ("POST", "/_devstack/faults", _add_fault),
        ("DELETE", "/_devstack/faults", _clear_faults),
        ("GET", "/_devstack/webhooks", _webhooks),
        ("DELETE", "/_devstack/webhooks", _forget_webhooks),
        ("POST", "/_devstack/webhooks/pause", _pause),
        ("POST", "/_devstack/webhooks/resume", _resume),
        ("POST", "/_devstack/webhooks/drop", _drop),
        ("POST", "/_devstack/webhooks/duplicate", _duplicate),
        ("POST", "/_devstack/webhooks/resend", _resend),
        ("POST", "/_devstack/webhooks/send", _send),
    ]
    found = [Route(path, _endpoint(stand_in, control), methods=[method]) for method, path, control in table]

    async def wait_idle(request: Request) -> Response:
        fields = await _fields(request)
        idle = await stand_in.webhooks.wait_idle(float(fields.get("timeoutSeconds", 10)))
        return JSONResponse({"idle": idle}, 200 if idle else 504)

    async def log_page(_: Request) -> Response:
        return HTMLResponse(render("deliveries.html", deliveries=list(reversed(stand_in.webhooks.list()))[:200]))

    return [
        *found,
        Route("/_devstack/webhooks/wait-idle", wait_idle, methods=["POST"]),
        Route("/_devstack/deliveries", log_page, methods=["GET"]),
    ]


def _endpoint(stand_in: StandIn, control: Control) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return JSONResponse(control(stand_in, await _fields(request)))

    return endpoint


async def _fields(request: Request) -> Fields:
    fields: Fields = dict(request.query_params)
    raw = await request.body()
    if raw:
        try:
            parsed = json.loads(raw)
        except ValueError as error:
            raise errors.malformed_body() from error
        if not isinstance(parsed, dict):
            raise errors.malformed_body()
        fields |= cast(Fields, parsed)
    return fields


def _need(fields: Fields, name: str) -> Any:
    if fields.get(name) in (None, ""):
        raise errors.param_missing(name)
    return fields[name]


def _instance(stand_in: StandIn, fields: Fields) -> Instance:
    name = str(_need(fields, "instance"))
    instance = stand_in.config.instance(name)
    if instance is None:
        raise errors.not_found("instance", name)
    return instance


def _instances(stand_in: StandIn, _: Fields) -> Any:
    return {
        "instances": [
            {
                "name": instance.name,
                "id": instance.id,
                "publishableKey": instance.publishable_key,
                "secretKey": instance.secret_key,
                "issuer": instance.issuer,
                "jwksUrl": f"{instance.issuer}/.well-known/jwks.json",
                "jwtKey": stand_in.keys.public_pem(instance),
                "kid": stand_in.keys.current_kid(instance),
                "signInUrl": instance.hosted_url("sign-in"),
                "signUpUrl": instance.hosted_url("sign-up"),
                "accountUrl": instance.hosted_url("user"),
                "clerkJsUrl": instance.hosted_url("npm/@clerk/clerk-js@6/dist/clerk.browser.js"),
                "webhookUrl": instance.webhook.url if instance.webhook else None,
            }
            for instance in stand_in.config.instances
        ]
    }


def _create_user(stand_in: StandIn, fields: Fields) -> Any:
    """A user with an address and optional password, names and metadata, without Clerk's requirements.

    With a `userId` of one's own, repeating the call gives the same user.
    """
    instance, user_id = _instance(stand_in, fields), fields.get("userId")
    existing = stand_in.users.find(instance, user_id) if user_id else None
    if existing is not None:
        return existing
    wanted: Fields = {
        "email_address": [_need(fields, "email")],
        "skip_password_requirement": True,
        "skip_password_checks": True,
    }
    names = {
        "password": "password",
        "firstName": "first_name",
        "lastName": "last_name",
        "publicMetadata": "public_metadata",
        "privateMetadata": "private_metadata",
    }
    wanted |= {clerk_name: fields[name] for name, clerk_name in names.items() if fields.get(name) is not None}
    return stand_in.users.create(instance, wanted, user_id=user_id)


def _mint(stand_in: StandIn, fields: Fields) -> Any:
    """A session or template token as a browser would get it; `claims` override (null removes), `headers` too.

    `signedBy` names the instance whose key signs, for tests of tokens that must be refused.
    """
    instance = _instance(stand_in, fields)
    session = _session_for(stand_in, instance, fields)
    seconds = fields.get("expiresIn")
    azp = fields.get("azp")
    if fields.get("template"):
        claims = stand_in.tokens.template_claims(instance, session, str(fields["template"]), azp=azp, seconds=seconds)
    else:
        claims = stand_in.tokens.session_claims(instance, session, azp=azp, seconds=seconds)
    if seconds is not None:
        claims["exp"] = claims["iat"] + seconds
    for name, value in cast(Fields, fields.get("claims") or {}).items():
        if value is None:
            claims.pop(name, None)
        else:
            claims[name] = value
    signer = _instance(stand_in, {"instance": fields["signedBy"]}) if fields.get("signedBy") else instance
    token = stand_in.keys.sign(signer, claims, cast(Fields, fields.get("headers") or {}))
    return {"token": token, "jwt": token, "sessionId": session["id"], "userId": session["user_id"], "claims": claims}


def _session_for(stand_in: StandIn, instance: Instance, fields: Fields) -> Document:
    if fields.get("sessionId"):
        return stand_in.sessions.get(instance, str(fields["sessionId"]))
    user_id = str(_need(fields, "userId"))
    active = stand_in.sessions.of_user(instance, user_id, status="active")
    return active[0] if active else stand_in.sessions.create(instance, user_id)


def _set_session_status(stand_in: StandIn, fields: Fields) -> Any:
    instance = _instance(stand_in, fields)
    session = stand_in.sessions.get(instance, str(_need(fields, "sessionId")))
    return stand_in.sessions.set_status(instance, session, str(_need(fields, "status")))


def _get_clock(stand_in: StandIn, _: Fields) -> Any:
    return {"offsetSeconds": stand_in.clock.offset_seconds, "now": stand_in.clock.seconds()}


def _set_clock(stand_in: StandIn, fields: Fields) -> Any:
    stand_in.clock.set_offset(float(_need(fields, "offsetSeconds")))
    return _get_clock(stand_in, fields)


def _rotate(stand_in: StandIn, fields: Fields) -> Any:
    instance = _instance(stand_in, fields)
    kid = stand_in.keys.rotate(instance, keep_old=bool(fields.get("keepOld", True)))
    return {"kid": kid, "jwks": stand_in.keys.jwks(instance)}


def _calls(stand_in: StandIn, fields: Fields) -> Any:
    calls = stand_in.faults.tally(str(fields.get("method", "*")).upper(), str(fields.get("path", "*")))
    return {"total": sum(call["count"] for call in calls), "calls": calls}


def _forget_calls(stand_in: StandIn, _: Fields) -> Any:
    stand_in.faults.calls.clear()
    return {"total": 0, "calls": []}


def _faults(stand_in: StandIn, _: Fields) -> Any:
    return {
        "faults": [
            {
                "method": fault.method,
                "path": fault.path,
                "times": fault.times,
                "status": fault.status,
                "retryAfter": fault.retry_after_seconds,
                "hangSeconds": fault.hang_seconds,
            }
            for fault in stand_in.faults.pending
        ]
    }


def _add_fault(stand_in: StandIn, fields: Fields) -> Any:
    stand_in.faults.add(
        Fault(
            path=str(_need(fields, "path")),
            method=str(fields.get("method", "*")).upper(),
            times=int(fields.get("times", 1)),
            status=int(fields.get("status", 500)),
            retry_after_seconds=int(fields.get("retryAfter", 1)),
            hang_seconds=float(fields.get("hangSeconds", 0)),
        )
    )
    return _faults(stand_in, fields)


def _clear_faults(stand_in: StandIn, fields: Fields) -> Any:
    stand_in.faults.clear()
    return _faults(stand_in, fields)


def _webhooks(stand_in: StandIn, fields: Fields) -> Any:
    deliveries = [
        delivery
        for delivery in stand_in.webhooks.list(fields.get("instance"))
        if fields.get("type") in (None, delivery["type"]) and fields.get("status") in (None, delivery["status"])
    ]
    return {"paused": stand_in.webhooks.paused, "deliveries": deliveries}


def _forget_webhooks(stand_in: StandIn, fields: Fields) -> Any:
    stand_in.webhooks.clear()
    return _webhooks(stand_in, fields)


def _pause(stand_in: StandIn, _: Fields) -> Any:
    stand_in.webhooks.set_paused(True)
    return {"paused": True}


def _resume(stand_in: StandIn, _: Fields) -> Any:
    stand_in.webhooks.set_paused(False)
    return {"paused": False}


def _drop(stand_in: StandIn, fields: Fields) -> Any:
    stand_in.webhooks.drop_next = int(fields.get("times", 1))
    return {"dropNext": stand_in.webhooks.drop_next}


def _duplicate(stand_in: StandIn, fields: Fields) -> Any:
    stand_in.webhooks.duplicate_next = int(fields.get("times", 1))
    return {"duplicateNext": stand_in.webhooks.duplicate_next}


def _resend(stand_in: StandIn, fields: Fields) -> Any:
    delivery_id = str(_need(fields, "id"))
    delivery = stand_in.webhooks.resend(delivery_id)
    if delivery is None:
        raise errors.not_found("delivery", delivery_id)
    return delivery


def _send(stand_in: StandIn, fields: Fields) -> Any:
    """Any event of your own making, signed for the instance's webhook."""
    stand_in.webhooks.emit(_instance(stand_in, fields), str(_need(fields, "type")), cast(Fields, _need(fields, "data")))
    return {"sent": True}
