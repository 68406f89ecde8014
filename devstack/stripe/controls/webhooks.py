"""Owns the controls of webhooks: lists deliveries, and pauses, disturbs, resends or retries them."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from devstack.kit.controls import Refused, fields_of
from devstack.kit.deliveries import Rules
from devstack.kit.delivery_queue import Delivery
from devstack.stripe.jsontypes import Json
from devstack.stripe.stand_in import StandIn

DEFAULT_IDLE_SECONDS = 10.0
LISTED = 500
# Query parameter -> column.
_FILTERS = {"event": "event_id", "type": "event_type", "state": "state", "account": "account", "object": "object_id"}
# Name in JSON -> field of Rules.
_RULES = {
    "shuffle": "shuffle",
    "seed": "seed",
    "duplicate": "duplicate",
    "delaySeconds": "delay_seconds",
    "drop": "drop",
    "types": "types",
}


async def show(stand_in: StandIn, request: Request) -> Response:
    """The deliveries, newest first. `?event=`, `?type=`, `?state=`, `?account=` and `?object=` filter them."""
    equals = {_FILTERS[name]: value for name, value in request.query_params.items() if name in _FILTERS}
    return _listed(stand_in, stand_in.deliveries.queue.newest(LISTED, **equals))


async def pending(stand_in: StandIn, request: Request) -> Response:
    return _listed(stand_in, stand_in.deliveries.queue.waiting())


def _listed(stand_in: StandIn, found: list[Delivery]) -> Response:
    shown = [_shown(delivery) for delivery in found]
    return JSONResponse({"deliveries": shown, "paused": stand_in.deliveries.paused})


def _shown(delivery: Delivery) -> Json:
    return {
        "id": delivery.id,
        "event": delivery.event_id,
        "type": delivery.event_type,
        "object": delivery.object_id,
        "account": delivery.account,
        "livemode": delivery.livemode,
        "url": delivery.url,
        "endpoint": delivery.endpoint,
        "state": "queued" if delivery.state == "new" else delivery.state,
        "attempts": delivery.attempts,
        "status": delivery.status,
        "error": delivery.error,
        "due": delivery.due,
    }


async def idle(stand_in: StandIn, request: Request) -> Response:
    """Waits up to `?timeout=` seconds until nothing is left to send."""
    timeout = float(request.query_params.get("timeout", DEFAULT_IDLE_SECONDS))
    is_idle = await stand_in.deliveries.idle(timeout)
    waiting = sorted(stand_in.deliveries.queue.waiting(), key=lambda delivery: delivery.id)
    shown = [_shown(delivery) for delivery in waiting]
    return JSONResponse({"idle": is_idle, "paused": stand_in.deliveries.paused, "pending": shown})


async def show_rules(stand_in: StandIn, request: Request) -> Response:
    rules = stand_in.deliveries.rules
    shown: dict[str, Any] = {name: getattr(rules, field) for name, field in _RULES.items()}
    return JSONResponse({**shown, "types": list(rules.types)})


async def set_rules(stand_in: StandIn, request: Request) -> Response:
    """Sets how deliveries of new events are disturbed. `types` limits the rules to these event types."""
    fields = await fields_of(request)
    unknown = set(fields) - set(_RULES)
    if unknown:
        raise Refused(f"There is no rule {min(unknown)}. The rules are {', '.join(_RULES)}.")
    given: dict[str, Any] = {_RULES[name]: value for name, value in fields.items()}
    given["types"] = tuple(fields.get("types", ()))
    stand_in.deliveries.set_rules(Rules(**given))
    return await show_rules(stand_in, request)


async def clear_rules(stand_in: StandIn, request: Request) -> Response:
    stand_in.deliveries.set_rules(Rules())
    return await show_rules(stand_in, request)


async def deliver(stand_in: StandIn, request: Request) -> Response:
    """Sends the deliveries `{"ids": [...]}` in this order, or all that wait, even while paused."""
    ids = (await fields_of(request)).get("ids")
    await stand_in.deliveries.deliver(ids or [delivery.id for delivery in stand_in.deliveries.queue.waiting()])
    return JSONResponse({"ok": True})


async def resend(stand_in: StandIn, request: Request) -> Response:
    """Sends `{"event"}` again to each of its endpoints, or only to the one with `{"url"}`."""
    fields = await fields_of(request)
    url = fields.get("url")
    first: dict[int, Delivery] = {}
    for delivery in stand_in.deliveries.queue.of_event(fields.get("event", "")):
        if url in (None, delivery.url):
            first.setdefault(delivery.endpoint, delivery)
    if not first:
        raise Refused("There is no delivery of this event.")
    return JSONResponse({"ids": [stand_in.deliveries.resend(delivery) for delivery in first.values()]})


async def retry(stand_in: StandIn, request: Request) -> Response:
    """Sends all waiting deliveries now."""
    stand_in.deliveries.retry_now()
    return JSONResponse({"ok": True})


async def events(stand_in: StandIn, request: Request) -> Response:
    """The events of all accounts, newest first. `?type=`, `?object=` and `?account=` filter them."""
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
