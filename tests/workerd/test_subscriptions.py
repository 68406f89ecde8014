"""Subscribing in the real runtime: one whole life of a subscription, its race, its crash, and what it costs."""

from __future__ import annotations

import itertools

import httpx
import pytest

from devstack.stack.stack import Stack
from tests.support.answers import round_trips
from tests.support.billing_portal import press
from tests.support.killing import kill_during
from tests.support.stripe_accounts import Saas, StripeControls, make_saas
from tests.support.subscribers import checkout, portal_url, subscribe, subscription_of, usage_of
from tests.support.webhooks import event_of, send

_users = itertools.count(1)


@pytest.fixture(scope="module")
def saas(stack: Stack, stripe: StripeControls) -> Saas:
    return make_saas(stack, stripe)


@pytest.fixture
def user() -> str:
    return f"user_sub_{next(_users)}"


def test_a_paid_checkout_gives_the_plan_at_once(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    assert usage_of(api, saas, user)["plan"] == "free"
    opened = checkout(api, saas, user, "Pro Plan", successUrl="https://app.example/ok?s={CHECKOUT_SESSION_ID}")
    assert opened["url"].startswith("http")
    session = stripe.pay(opened["sessionId"])
    assert session["metadata"] == {"publishableKey": saas.tenant.publishable_key, "userId": user}
    assert (usage_of(api, saas, user)["plan"], usage_of(api, saas, user)["limit"]) == ("pro", 100)
    stripe.drained()
    row = subscription_of(stack, user)
    assert (row["subscriptionId"], row["status"], row["plan"]) == (session["subscription"], "active", "pro")
    assert (row["amount"], row["monthlyAmount"], row["currency"]) == (2900, 2900, "usd")
    payments = stack.d1("SELECT * FROM payments WHERE userId = ?1", user)
    assert [(each["kind"], each["amountPaid"], each["amountRefunded"]) for each in payments] == [("invoice", 2900, 0)]
    assert payments[0]["paymentIntentId"].startswith("pi_")


def test_switch_cancel_undo_and_end_in_the_portal_show_at_once(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    subscription = subscribe(api, stripe, saas, user, "starter")
    page = f"{portal_url(api, saas, user)}/subscriptions/{subscription}"
    press(stack, f"{page}/update/{saas.prices['pro']}")
    stripe.drained()
    assert (usage_of(api, saas, user)["plan"], subscription_of(stack, user)["amount"]) == ("pro", 2900)
    press(stack, f"{page}/cancel")
    stripe.drained()
    canceled = subscription_of(stack, user)
    assert (canceled["status"], canceled["cancelAt"]) == ("active", canceled["currentPeriodEnd"])
    assert usage_of(api, saas, user)["plan"] == "pro"
    press(stack, f"{page}/renew")
    stripe.drained()
    assert subscription_of(stack, user)["cancelAt"] is None
    stripe.api("DELETE", f"subscriptions/{subscription}", saas.account)
    stripe.drained()
    assert subscription_of(stack, user)["endedAt"] is not None
    assert usage_of(api, saas, user)["plan"] == "free"
    again = subscribe(api, stripe, saas, user, "starter")
    assert again != subscription
    assert (subscription_of(stack, user)["subscriptionId"], usage_of(api, saas, user)["plan"]) == (again, "starter")


def test_checkouts_at_once_end_with_one_that_can_be_paid(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    headers = saas.tenant.headers(user)
    bodies = [{"tier": ("starter", "pro")[number % 2]} for number in range(8)]
    answers = stack.at_once(
        [api.build_request("POST", "/api/create-checkout", json=body, headers=headers) for body in bodies]
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert any(answer.is_success for answer in answers)
    made = stripe.api("GET", "checkout/sessions", saas.account, limit=100)["data"]
    mine = [each for each in made if each["client_reference_id"] == user]
    assert [each["status"] for each in mine].count("open") == 1
    assert len({each["customer"] for each in mine}) == 1


def spent(answer: httpx.Response) -> tuple[int, int]:
    """Round trips to D1 and calls of Stripe."""
    counted = round_trips(answer)
    return counted["d1"], counted["fetches"]


def test_round_trips_of_checkout_and_portal_are_bounded(
    stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    first = api.post("/api/create-checkout", json={"tier": "pro"}, headers=saas.tenant.headers(user))
    assert spent(first) == (3, 2)
    stripe.pay(first.json()["sessionId"])
    stripe.drained()
    portal_url(api, saas, user)
    warm = api.post("/api/customer-portal", headers=saas.tenant.headers(user))
    assert spent(warm) == (1, 1)


def test_a_user_whose_checkout_and_webhook_are_killed_ends_with_one_subscription(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    """tests/api_multi kills at every step; here workerd itself dies."""
    held = "create-checkout:session-created"
    kill_during(stack, "api-multi", [(held, lambda: create_checkout(stack, saas, user))])
    opened = checkout(api, saas, user)["sessionId"]
    made = stripe.api("GET", "checkout/sessions", saas.account, limit=100)["data"]
    assert [each["id"] for each in made if each["client_reference_id"] == user] == [opened]

    stripe.control("webhooks/rules", {"drop": True})
    session = stripe.pay(opened)
    stripe.clear("webhooks/rules")
    event = event_of("checkout.session.completed", session, account=saas.account)
    kill_during(stack, "api-multi", [("checkout.session.completed:decided", lambda: send(stack, event))])
    assert usage_of(api, saas, user)["plan"] == "free"
    assert send(stack, event).json() == {"received": True, "duplicate": False}
    assert usage_of(api, saas, user)["plan"] == "pro"
    rows = stack.d1("SELECT subscriptionId FROM subscriptions WHERE userId = ?1", user)
    assert rows == [{"subscriptionId": session["subscription"]}]


def create_checkout(stack: Stack, saas: Saas, user: str) -> httpx.Response:
    return stack.http("api-multi").post("/api/create-checkout", json={"tier": "pro"}, headers=saas.tenant.headers(user))
