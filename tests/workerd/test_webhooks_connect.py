"""Events of connected accounts in the real runtime: all deliveries at once, a handler that is killed, and the cost of one."""

from __future__ import annotations

import itertools
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from devstack.stack import Stack
from tests.support.stripe_accounts import Saas, StripeControls, make_account, make_saas
from tests.support.webhooks import event_of, outcome, send

_users = itertools.count(1)


@pytest.fixture(scope="module")
def saas(stack: Stack, stripe: StripeControls) -> Saas:
    return make_saas(stack, stripe)


@pytest.fixture(scope="module")
def other(stack: Stack, stripe: StripeControls) -> Saas:
    return make_saas(stack, stripe)


@pytest.fixture
def user() -> str:
    return f"user_hook_{next(_users)}"


def subscribe(api: httpx.Client, stripe: StripeControls, saas: Saas, user: str, tier: str = "pro") -> dict[str, Any]:
    """A new, paid subscription as Stripe has it."""
    opened = api.post("/api/create-checkout", json={"tier": tier}, headers=saas.tenant.headers(user))
    assert opened.status_code == 200, opened.text
    session = stripe.pay(opened.json()["sessionId"])
    stripe.drained()
    return stripe.api("GET", f"subscriptions/{session['subscription']}", saas.account, saas.tenant.mode)


def everything(stack: Stack) -> dict[str, list[dict[str, Any]]]:
    """All that an event may change."""
    tables = ("end_users", "subscriptions", "payments", "orders", "project_totals", "checkout_sessions", "outbox")
    return {table: stack.d1(f"SELECT * FROM {table} ORDER BY 1, 2") for table in (*tables, "stripe_tokens")}


def assert_without_effect(stack: Stack, event: dict[str, Any], expected: str) -> None:
    before = everything(stack)
    answer = send(stack, event)
    assert answer.status_code == 200, answer.text
    assert outcome(stack, event["id"])[0] == expected, outcome(stack, event["id"])
    assert everything(stack) == before


def test_every_event_three_times_shuffled_and_at_once_counts_once(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    stripe.control("webhooks/rules", {"drop": True})
    opened = api.post("/api/create-checkout", json={"tier": "starter"}, headers=saas.tenant.headers(user)).json()
    session = stripe.pay(opened["sessionId"])
    item = stripe.api("GET", f"subscriptions/{session['subscription']}", saas.account)["items"]["data"][0]["id"]
    change: dict[str, str | int] = {"items[0][id]": item, "items[0][price]": saas.prices["pro"]}
    stripe.api("POST", f"subscriptions/{session['subscription']}", saas.account, **change)
    stripe.clear("webhooks/rules")
    related = events_about(stripe, saas, session)
    deliveries = related * 3
    random.Random(7).shuffle(deliveries)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda event: send(stack, event), deliveries))
    assert {answer.status_code for answer in answers} == {200}
    kept = stack.d1("SELECT * FROM subscriptions WHERE userId = ?1", user)
    assert [(each["subscriptionId"], each["plan"], each["status"]) for each in kept] == [
        (session["subscription"], "pro", "active")
    ]
    payments = stack.d1("SELECT * FROM payments WHERE userId = ?1", user)
    assert [each["amountPaid"] for each in payments] == [900]
    for event in related:
        rows = stack.d1("SELECT attempts, handledAt FROM events WHERE eventId = ?1", event["id"])
        assert (rows[0]["attempts"], rows[0]["handledAt"] is not None) == (3, True)


def test_a_webhook_takes_few_round_trips(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    subscription = subscribe(api, stripe, saas, user)
    answer = send(stack, event_of("customer.subscription.updated", subscription, account=saas.account))
    counted = dict(pair.split("=") for pair in answer.headers["X-Round-Trips"].split(","))
    assert (int(counted["d1"]), int(counted["fetches"])) == (4, 1)
    again = send(stack, event_of("payout.paid", {"id": "po_2"}, account=saas.account))
    counted = dict(pair.split("=") for pair in again.headers["X-Round-Trips"].split(","))
    assert (int(counted["d1"]), int(counted["fetches"])) == (2, 0)


def account_in_test(stack: Stack, stripe: StripeControls, platform_id: str) -> str:
    return make_account(stack, stripe, platform_id, "test")


def plan(api: httpx.Client, saas: Saas, user: str) -> str:
    return api.get("/api/usage", headers=saas.tenant.headers(user)).json()["plan"]


def stray_price(stripe: StripeControls, saas: Saas) -> str:
    """A price on the developer's account that is no tier's."""
    return stripe.api(
        "POST",
        "prices",
        saas.account,
        product=saas.products["pro"],
        unit_amount=100,
        currency="usd",
        **{"recurring[interval]": "month"},
    )["id"]


def make_subscription(
    stripe: StripeControls, saas: Saas, metadata: dict[str, str], *, price: str | None = None
) -> dict[str, Any]:
    """A subscription that the developer sold without us."""
    named: dict[str, str | int] = {f"subscription_data[metadata][{name}]": value for name, value in metadata.items()}
    session = stripe.api(
        "POST",
        "checkout/sessions",
        saas.account,
        mode="subscription",
        success_url="https://app.example",
        **{"line_items[0][price]": price or saas.prices["pro"], "line_items[0][quantity]": 1},
        **named,
    )
    paid = stripe.pay(session["id"])
    return stripe.api("GET", f"subscriptions/{paid['subscription']}", saas.account)


def invoice_of(subscription: dict[str, Any]) -> dict[str, Any]:
    details = {"subscription": subscription["id"], "metadata": subscription["metadata"]}
    parent = {"type": "subscription_details", "subscription_details": details, "quote_details": None}
    return {"id": subscription["latest_invoice"], "object": "invoice", "parent": parent}


def session_of(subscription: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "cs_test_forged",
        "object": "checkout.session",
        "mode": "subscription",
        "subscription": subscription["id"],
        "metadata": subscription["metadata"],
        "customer_details": None,
    }


def events_about(stripe: StripeControls, saas: Saas, session: dict[str, Any]) -> list[dict[str, Any]]:
    """All events of the account that tell of this checkout and its subscription."""
    listed = stripe.api("GET", "events", saas.account, limit=100)["data"]
    wanted = ("customer.subscription.", "invoice.paid", "checkout.session.completed")
    customer = session["customer"]
    return [
        {**each, "account": saas.account}
        for each in listed
        if each["type"].startswith(wanted) and each["data"]["object"]["customer"] == customer
    ]
