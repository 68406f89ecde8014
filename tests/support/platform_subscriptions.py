"""The platform's own subscription: what a developer pays for, as D1 and Stripe have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.clerk_controls import ClerkControls
from tests.support.developers import Developer
from tests.support.platform_events import PlatformEvents
from tests.support.stack import Stack
from tests.support.stripe_accounts import StripeControls
from tests.support.tenants import FAR_AWAY

WORKER = "front-auth-api"


PAID: Mapping[str, Any] = {
    "subscriptionStatus": "active",
    "cancelAtPeriodEnd": 0,
    "cancelAt": None,
    "canceledAt": None,
    "endedAt": None,
    "pastDueSince": None,
    "liveKeysUntil": FAR_AWAY,
    "deletedAt": None,
    "payments": ["payment.succeeded"],
}
"""What `payment_state` says of a developer who pays."""


def checkout(developer: Developer) -> dict[str, Any]:
    """Opens a checkout of the platform's plan, or finds the one that is open."""
    answer = developer.front_auth("POST", "/create-checkout", {})
    assert answer.status_code == 200, answer.text
    return answer.json()


def platform(stack: Stack, developer: Developer) -> dict[str, Any]:
    """The row of the developer's platform."""
    (row,) = stack.d1("SELECT * FROM platforms WHERE clerkUserId = ?1", developer.user_id)
    return row


def payment_state(stack: Stack, developer: Developer) -> dict[str, Any]:
    """The stored subscription without ids and the time of writing, and the payments in the audit log."""
    row = platform(stack, developer)
    audit = stack.d1(
        "SELECT action FROM audit_log WHERE platformId = ?1 AND actor = 'stripe' ORDER BY action", row["platformId"]
    )
    passing = ("platformId", "clerkUserId", "email", "clerkUpdatedAt", "createdAt", "updatedAt", "subscriptionId")
    passing += ("stripeCustomerId", "checkoutSessionId", "currentPeriodStart", "currentPeriodEnd")
    kept = {name: value for name, value in row.items() if name not in passing}
    return {**kept, "payments": [line["action"] for line in audit if line["action"].startswith("payment.")]}


def at_clerk(stack: Stack, clerk: ClerkControls, developer: Developer) -> Mapping[str, Any]:
    """The developer's public metadata, once the outbox is empty."""
    stack.run_scheduled(WORKER)
    return clerk.public_metadata("developers", developer.user_id)


def customers_of(stripe: StripeControls, platform_id: str) -> int:
    """How many customers of dream-api's own account belong to a platform."""
    customers = stripe.api("GET", "customers", None, limit=100)["data"]
    return sum(each["metadata"].get("platformId") == platform_id for each in customers)


def pay_without_deliveries(
    stripe: StripeControls, events: PlatformEvents, developer: Developer
) -> list[dict[str, Any]]:
    """The developer pays while Stripe delivers nothing; the events that Stripe recorded."""
    session = stripe.pay(checkout(developer)["sessionId"])
    found = events.of(session["id"], session["subscription"], session["invoice"])
    assert {"checkout.session.completed", "customer.subscription.created", "invoice.paid"} <= {
        event["type"] for event in found
    }
    return found
