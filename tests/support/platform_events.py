"""Delivers events of the platform's own Stripe account and of the developers' Clerk instance to front-auth-api."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import httpx

from tests.support.signing import sign_as_clerk, sign_as_stripe
from tests.support.stack import Stack
from tests.support.stripe_accounts import StripeControls


class PlatformEvents:
    """Finds the events that Stripe recorded, and delivers them and Clerk's messages, as often and in any order as a test wants."""

    def __init__(self, stack: Stack, stripe: StripeControls) -> None:
        self._http = stack.http("front-auth-api")
        self._stripe = stripe
        self._stripe_secret: str = stack.state["webhookSecrets"]["platform"]
        self._clerk_secret: str = stack.configuration.clerk_secrets("developers")[1]

    def of(self, *object_ids: str) -> list[dict[str, Any]]:
        """All events about these objects, the oldest first."""
        found: dict[str, dict[str, Any]] = {}
        for object_id in object_ids:
            for event in self._stripe.look("events", object=object_id)["events"]:
                found[event["id"]] = event
        return sorted(found.values(), key=lambda event: event["created"])

    def deliver(self, event: Mapping[str, Any]) -> httpx.Response:
        """Delivers one event as Stripe does."""
        body = json.dumps(event).encode()
        return self._http.post("/webhook/stripe", content=body, headers=sign_as_stripe(body, self._stripe_secret))

    def tell(self, message_id: str, kind: str, data: Mapping[str, Any]) -> httpx.Response:
        """Delivers one message as Clerk does."""
        message = {"type": kind, "data": data, "object": "event", "timestamp": int(time.time()) * 1000}
        body = json.dumps(message).encode()
        headers = sign_as_clerk(body, self._clerk_secret, message_id)
        return self._http.post("/webhook/clerk", content=body, headers=headers)
