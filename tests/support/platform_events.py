"""Delivers events of dream-api's own Stripe account and of the developers' Clerk instance to front-auth-api."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx

from tests.support.clerk_messages import message_of
from tests.support.signing import sign_as_stripe
from tests.support.stack import Stack
from tests.support.stripe_accounts import StripeControls

WORKER = "front-auth-api"


class PlatformEvents:
    """Finds the events that Stripe recorded, and delivers them and Clerk's messages, as often and in any order as a test wants."""

    def __init__(self, stack: Stack, stripe: StripeControls) -> None:
        self._stack = stack
        self._http = stack.http(WORKER)
        self._stripe = stripe
        self._stripe_secret: str = stack.state["webhookSecrets"]["platform"]

    def of(self, *object_ids: str) -> list[dict[str, Any]]:
        """All events about these objects, the oldest first."""
        found: dict[str, dict[str, Any]] = {}
        for object_id in object_ids:
            for event in self._stripe.look("events", object=object_id)["events"]:
                found[event["id"]] = event
        return sorted(found.values(), key=lambda event: event["created"])

    def deliver(self, event: Mapping[str, Any]) -> httpx.Response:
        """Delivers one event as Stripe does."""
        return self._http.send(self.delivery_of(event))

    def delivery_of(self, event: Mapping[str, Any]) -> httpx.Request:
        """The request of such a delivery, for `stack.at_once`."""
        body = json.dumps(event).encode()
        headers = sign_as_stripe(body, self._stripe_secret)
        return self._http.build_request("POST", "/webhook/stripe", content=body, headers=headers)

    def deliver_message(self, message_id: str, kind: str, data: Mapping[str, Any]) -> httpx.Response:
        """Delivers one message as Clerk does."""
        return self._http.send(self.message_of(message_id, kind, data))

    def message_of(self, message_id: str, kind: str, data: Mapping[str, Any]) -> httpx.Request:
        """The request of such a delivery, for `stack.at_once`."""
        return message_of(self._stack, WORKER, "developers", message_id, kind, data)


def user_data(user_id: str, email: str, updated_at: int) -> dict[str, Any]:
    """A developer as Clerk's user events describe them. `updated_at` is in milliseconds."""
    address = {"id": "idn_1", "email_address": email, "verification": {"status": "verified"}}
    return {
        "id": user_id,
        "email_addresses": [address],
        "primary_email_address_id": "idn_1",
        "first_name": None,
        "last_name": None,
        "public_metadata": {},
        "created_at": 1,
        "updated_at": updated_at,
    }
