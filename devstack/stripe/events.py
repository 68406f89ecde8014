"""Owns Event objects: what changed, why, and a delivery row for every endpoint that hears it."""

import time
from typing import TYPE_CHECKING, Any

from devstack.stripe.config import API_VERSION
from devstack.stripe.ids import new_id
from devstack.stripe.jsontypes import Json

if TYPE_CHECKING:
    from devstack.stripe.books import Books


def previous_attributes(before: Json, after: Json) -> Json:
    """The old values of what differs: hashes key by key, lists whole, new keys as null."""
    previous: Json = {}
    for key in {**before, **after}:
        old: Any = before.get(key)
        new: Any = after.get(key)
        if old == new:
            continue
        previous[key] = previous_attributes(old, new) if isinstance(old, dict) and isinstance(new, dict) else old  # pyright: ignore[reportUnknownArgumentType]
    return previous


def emit(books: "Books", event_type: str, data: Json, previous: Json | None) -> Json:
    endpoints = [
        (number, endpoint)
        for number, endpoint in enumerate(books.config.webhook_endpoints)
        if endpoint.hears(connected=books.connected, livemode=books.livemode)
    ]
    payload: Json = {"object": data}
    if previous is not None:
        payload["previous_attributes"] = previous
    event: Json = {
        "id": new_id("event"),
        "object": "event",
        "api_version": API_VERSION,
        "created": books.now,
        "data": payload,
        "livemode": books.livemode,
        "pending_webhooks": len(endpoints),
        "request": {"id": books.cause.request_id, "idempotency_key": books.cause.idempotency_key},
        "type": event_type,
    }
    if books.connected:
        event = {"id": event.pop("id"), "object": event.pop("object"), "account": books.tenant.account, **event}
    books.store.insert(books.tenant, "event", event)
    wall = time.time()
    for number, endpoint in endpoints:
        books.store.run(
            "INSERT INTO deliveries (event_id, event_type, object_id, account, livemode, endpoint, url, state, due, position, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 'new', ?, 0, ?)",
            event["id"], event_type, data.get("id"), books.tenant.account, books.livemode, number, endpoint.url,
            wall, wall,
        )  # fmt: skip
    return event
