"""Delivers events to a worker as Stripe does, or with another signature."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import httpx

from tests.support.signing import sign_as_stripe
from tests.support.stack import Stack
from tests.support.stripe_accounts import Saas, StripeControls

Endpoint = Literal["connectTest", "connectLive", "platform"]

_numbers = itertools.count(1)


def event_of(
    event_type: str, obj: Mapping[str, Any], *, account: str | None, livemode: bool = False, created: int | None = None
) -> dict[str, Any]:
    """An event with an id of its own."""
    body = {
        "id": f"evt_test_{time.time_ns()}_{next(_numbers)}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": created or int(time.time()),
        "data": {"object": obj},
        "livemode": livemode,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": event_type,
    }
    return body if account is None else {**body, "account": account}


def send(
    stack: Stack,
    event: Mapping[str, Any] | bytes,
    *,
    endpoint: Endpoint = "connectTest",
    worker: str = "api-multi",
    timestamp: int | None = None,
    signature: str | None = None,
) -> httpx.Response:
    """Delivers the event, signed with the endpoint's secret now. `timestamp` and `signature` replace what would be right."""
    body, headers = signed(stack, event, endpoint, timestamp)
    if signature is not None:
        headers["Stripe-Signature"] = signature
    return stack.http(worker).post("/webhook/stripe", content=body, headers=headers)


def send_at_once(stack: Stack, events: Sequence[Mapping[str, Any]]) -> list[httpx.Response]:
    """Delivers all these events of connected accounts to api-multi at the same time."""
    api = stack.http("api-multi")
    deliveries = [signed(stack, event) for event in events]
    return stack.at_once(
        [api.build_request("POST", "/webhook/stripe", content=body, headers=headers) for body, headers in deliveries]
    )


def signed(
    stack: Stack,
    event: Mapping[str, Any] | bytes,
    endpoint: Endpoint = "connectTest",
    timestamp: int | None = None,
) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a delivery of this event."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    return body, sign_as_stripe(body, stack.state["webhookSecrets"][endpoint], timestamp)


def outcome(stack: Stack, event_id: str) -> tuple[str | None, str | None]:
    """Outcome and reason of an event, as D1 has them. Both are None for an event that was not recorded."""
    rows = stack.d1("SELECT outcome, reason FROM events WHERE eventId = ?1", event_id)
    return (rows[0]["outcome"], rows[0]["reason"]) if rows else (None, None)


def events_about(stripe: StripeControls, saas: Saas, session: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All events of the account about this paid checkout session and its subscription, as they are delivered."""
    listed = stripe.api("GET", "events", saas.account, limit=100)["data"]
    wanted = ("customer.subscription.", "invoice.paid", "checkout.session.completed")
    customer = session["customer"]
    return [
        {**each, "account": saas.account}
        for each in listed
        if each["type"].startswith(wanted) and each["data"]["object"]["customer"] == customer
    ]
