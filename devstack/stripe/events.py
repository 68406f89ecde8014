"""Owns the shape of Event objects: what changed, and what was there before."""

from dataclasses import dataclass
from typing import Any

from devstack.stripe.config import API_VERSION
from devstack.stripe.ids import new_id
from devstack.stripe.jsontypes import Json


@dataclass(frozen=True)
class Cause:
    """What made a change: an API request, or time (then both are None)."""

    request_id: str | None = None
    idempotency_key: str | None = None


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


def build(
    event_type: str,
    data: Json,
    previous: Json | None,
    *,
    created: int,
    account: str | None,
    livemode: bool,
    pending_webhooks: int,
    cause: Cause,
) -> Json:
    """The event of one change. `account` is the connected account, None for the platform's own."""
    payload: Json = {"object": data}
    if previous is not None:
        payload["previous_attributes"] = previous
    return {
        "id": new_id("event"),
        "object": "event",
        **({"account": account} if account else {}),
        "api_version": API_VERSION,
        "created": created,
        "data": payload,
        "livemode": livemode,
        "pending_webhooks": pending_webhooks,
        "request": {"id": cause.request_id, "idempotency_key": cause.idempotency_key},
        "type": event_type,
    }
