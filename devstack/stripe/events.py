"""Builds Event objects, with the previous values of changed fields."""

from dataclasses import dataclass
from typing import Any

from devstack.stripe.config import API_VERSION
from devstack.stripe.ids import new_id
from devstack.stripe.jsontypes import Json


@dataclass(frozen=True)
class Cause:
    """What caused a change: an API request. Both fields are None if a timer or a control caused it."""

    request_id: str | None = None
    idempotency_key: str | None = None


def previous_attributes(before: Json, after: Json) -> Json:
    """The old values of changed fields. Objects are compared by field, lists as a whole. A new field has the old value None."""
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
    """The event of one change. `account` is the connected account, or None for the platform's own account."""
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
