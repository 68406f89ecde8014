"""Owns the controls of webhooks: what was sent, what waits, and how it is disturbed."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from devstack.stripe.controls.asking import Refused, body_of
from devstack.stripe.deliveries import Rules
from devstack.stripe.jsontypes import Json
from devstack.stripe.stand_in import StandIn

DEFAULT_IDLE_SECONDS = 10.0
LISTED = 500


async def webhooks(stand_in: StandIn, request: Request) -> Response:
    """The deliveries, newest first; `?event=`, `?type=`, `?state=`, `?account=` filter."""
    columns = {"event": "event_id", "type": "event_type", "state": "state", "account": "account", "object": "object_id"}
    clauses = [f"{columns[name]} = ?" for name in request.query_params if name in columns]
    values = [value for name, value in request.query_params.items() if name in columns]
    where = f"WHERE {' AND '.join(clauses)}" if clauses else ""
    rows = stand_in.store.rows(f"SELECT * FROM deliveries {where} ORDER BY id DESC LIMIT {LISTED}", *values)  # noqa: S608
    return JSONResponse({"deliveries": [_delivery(row) for row in rows], "paused": stand_in.dispatcher.paused})


def _delivery(row: Any) -> Json:
    return {
        "id": row["id"],
        "event": row["event_id"],
        "type": row["event_type"],
        "object": row["object_id"],
        "account": row["account"],
        "livemode": bool(row["livemode"]),
        "url": row["url"],
        "endpoint": row["endpoint"],
        "state": "queued" if row["state"] == "new" else row["state"],
        "attempts": row["attempts"],
        "status": row["status"],
        "error": row["error"],
        "due": row["due"],
    }


async def webhooks_pending(stand_in: StandIn, request: Request) -> Response:
    rows = stand_in.store.rows("SELECT * FROM deliveries WHERE state IN ('new', 'queued') ORDER BY position, id")
    return JSONResponse({"deliveries": [_delivery(row) for row in rows], "paused": stand_in.dispatcher.paused})


async def webhooks_idle(stand_in: StandIn, request: Request) -> Response:
    timeout = float(request.query_params.get("timeout", DEFAULT_IDLE_SECONDS))
    idle = await stand_in.dispatcher.idle(timeout)
    rows = stand_in.store.rows("SELECT * FROM deliveries WHERE state IN ('new', 'queued') ORDER BY id")
    return JSONResponse(
        {"idle": idle, "paused": stand_in.dispatcher.paused, "pending": [_delivery(row) for row in rows]}
    )


async def webhooks_pause(stand_in: StandIn, request: Request) -> Response:
    await stand_in.dispatcher.pause()
    return JSONResponse({"paused": True})


async def webhooks_resume(stand_in: StandIn, request: Request) -> Response:
    body = await body_of(request)
    stand_in.dispatcher.resume(body.get("order"), shuffle=bool(body.get("shuffle")))
    return JSONResponse({"paused": False})


async def webhooks_rules(stand_in: StandIn, request: Request) -> Response:
    if request.method == "POST":
        body = await body_of(request)
        names = {
            "shuffle": "shuffle",
            "seed": "seed",
            "duplicate": "duplicate",
            "delaySeconds": "delay_seconds",
            "drop": "drop",
            "types": "types",
        }
        strangers = set(body) - set(names)
        if strangers:
            raise Refused(f"Unknown rule {min(strangers)}; known: {', '.join(names)}.")
        fields: dict[str, Any] = {names[name]: value for name, value in body.items()}
        fields["types"] = tuple(body.get("types", ()))
        stand_in.dispatcher.set_rules(Rules(**fields))
    elif request.method == "DELETE":
        stand_in.dispatcher.set_rules(Rules())
    rules = stand_in.dispatcher.rules
    return JSONResponse({
        "shuffle": rules.shuffle, "seed": rules.seed, "duplicate": rules.duplicate, "delaySeconds": rules.delay_seconds,
        "drop": rules.drop, "types": list(rules.types),
    })  # fmt: skip


async def webhooks_deliver(stand_in: StandIn, request: Request) -> Response:
    """`{"ids": [...]}` in that order, or everything that waits; also when paused."""
    body = await body_of(request)
    rows = stand_in.store.rows("SELECT id FROM deliveries WHERE state IN ('new', 'queued') ORDER BY position, id")
    await stand_in.dispatcher.deliver(body.get("ids") or [row["id"] for row in rows])
    return JSONResponse({"ok": True})


async def webhooks_resend(stand_in: StandIn, request: Request) -> Response:
    body = await body_of(request)
    made = stand_in.dispatcher.resend(body.get("event", ""), body.get("url"))
    if not made:
        raise Refused("This event went to no endpoint.")
    return JSONResponse({"ids": made})


async def webhooks_retry(stand_in: StandIn, request: Request) -> Response:
    """What waits for its next attempt is tried now."""
    stand_in.dispatcher.retry_now()
    return JSONResponse({"ok": True})


async def events(stand_in: StandIn, request: Request) -> Response:
    """Every account's events, newest first; `?type=`, `?object=`, `?account=`."""
    rows = stand_in.store.rows("SELECT data FROM objects WHERE kind = 'event' ORDER BY seq DESC LIMIT ?", LISTED * 4)
    found: list[Json] = [json.loads(row["data"]) for row in rows]
    query = request.query_params
    if "type" in query:
        found = [event for event in found if event["type"] == query["type"]]
    if "object" in query:
        found = [event for event in found if event["data"]["object"].get("id") == query["object"]]
    if "account" in query:
        found = [event for event in found if event.get("account", stand_in.config.platform_account) == query["account"]]
    return JSONResponse({"events": found[:LISTED]})
