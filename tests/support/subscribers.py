"""What end users do to subscribe, and what the stack says of them afterwards."""

from __future__ import annotations

from typing import Any

import httpx

from tests.support.stack import Stack
from tests.support.stripe_accounts import Saas, StripeControls

RETURN_URL = "https://app.example/billing"


def checkout(api: httpx.Client, saas: Saas, user: str, tier: str = "pro", **more: Any) -> dict[str, Any]:
    """A new checkout session of the user: `url`, `sessionId` and `kind`."""
    answer = api.post("/api/create-checkout", json={"tier": tier, **more}, headers=saas.tenant.headers(user))
    assert answer.status_code == 200, answer.text
    return answer.json()


def subscribe(api: httpx.Client, stripe: StripeControls, saas: Saas, user: str, tier: str = "pro") -> str:
    """The id of a new, paid subscription."""
    session = stripe.pay(checkout(api, saas, user, tier)["sessionId"])
    stripe.drained()
    return session["subscription"]


def usage_of(api: httpx.Client, saas: Saas, user: str) -> dict[str, Any]:
    """The user's plan, limit and count."""
    answer = api.get("/api/usage", headers=saas.tenant.headers(user))
    assert answer.status_code == 200, answer.text
    return answer.json()


def subscription_of(stack: Stack, user: str) -> dict[str, Any]:
    """The user's row in D1."""
    return stack.d1("SELECT * FROM subscriptions WHERE userId = ?1", user)[0]


def portal_url(api: httpx.Client, saas: Saas, user: str) -> str:
    """The address of the billing portal, opened for the user."""
    answer = api.post("/api/customer-portal", json={"returnUrl": RETURN_URL}, headers=saas.tenant.headers(user))
    assert answer.status_code == 200, answer.text
    return answer.json()["url"]
