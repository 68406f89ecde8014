"""Subscribing, changing, cancelling: what an end user pays for is what the end user gets. In workerd, against the local Stripe."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from devstack.stack import Stack
from tests.stripe_accounts import Saas, StripeControls, make_saas

_users = itertools.count(1)


@pytest.fixture(scope="module")
def saas(stack: Stack, stripe: StripeControls) -> Saas:
    return make_saas(stack, stripe)


@pytest.fixture
def user() -> str:
    return f"user_sub_{next(_users)}"


def checkout(api: httpx.Client, saas: Saas, user: str, tier: str = "pro", **more: Any) -> dict[str, Any]:
    answer = api.post("/api/create-checkout", json={"tier": tier, **more}, headers=saas.tenant.headers(user))
    assert answer.status_code == 200, answer.text
    return answer.json()


def subscribe(api: httpx.Client, stripe: StripeControls, saas: Saas, user: str, tier: str = "pro") -> str:
    """The id of a new, paid subscription."""
    session = stripe.pay(checkout(api, saas, user, tier)["sessionId"])
    stripe.drained()
    return session["subscription"]


def usage(api: httpx.Client, saas: Saas, user: str) -> dict[str, Any]:
    answer = api.get("/api/usage", headers=saas.tenant.headers(user))
    assert answer.status_code == 200, answer.text
    return answer.json()


def row(stack: Stack, user: str) -> dict[str, Any]:
    return stack.d1("SELECT * FROM subscriptions WHERE userId = ?1", user)[0]


def test_a_paid_checkout_gives_the_plan_at_once(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    assert usage(api, saas, user)["plan"] == "free"
    opened = checkout(api, saas, user, "Pro Plan", successUrl="https://app.example/ok?s={CHECKOUT_SESSION_ID}")
    assert opened["url"].startswith("http")
    session = stripe.pay(opened["sessionId"])
    assert session["metadata"] == {"publishableKey": saas.tenant.publishable_key, "userId": user}
    assert (usage(api, saas, user)["plan"], usage(api, saas, user)["limit"]) == ("pro", 100)
    stripe.drained()
    kept = row(stack, user)
    assert (kept["subscriptionId"], kept["status"], kept["plan"]) == (session["subscription"], "active", "pro")
    assert (kept["amount"], kept["monthlyAmount"], kept["currency"]) == (2900, 2900, "usd")
    payments = stack.d1("SELECT * FROM payments WHERE userId = ?1", user)
    assert [(each["kind"], each["amountPaid"], each["amountRefunded"]) for each in payments] == [("invoice", 2900, 0)]
    assert payments[0]["paymentIntentId"].startswith("pi_")
