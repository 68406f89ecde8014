"""Events of connected accounts in the real runtime: all deliveries at once, and what one costs."""

from __future__ import annotations

import itertools
import random

import httpx
import pytest

from devstack.stack.stack import Stack
from tests.support.answers import round_trips
from tests.support.stripe_accounts import Saas, StripeControls, make_saas
from tests.support.subscribers import subscribe
from tests.support.webhooks import event_of, events_about, send, send_at_once

_users = itertools.count(1)


@pytest.fixture(scope="module")
def saas(stack: Stack, stripe: StripeControls) -> Saas:
    return make_saas(stack, stripe)


@pytest.fixture
def user() -> str:
    return f"user_hook_{next(_users)}"


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
    answers = send_at_once(stack, deliveries)
    assert {answer.status_code for answer in answers} == {200}
    rows = stack.d1("SELECT * FROM subscriptions WHERE userId = ?1", user)
    assert [(each["subscriptionId"], each["plan"], each["status"]) for each in rows] == [
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
    subscription = stripe.api("GET", f"subscriptions/{subscribe(api, stripe, saas, user)}", saas.account)
    answer = send(stack, event_of("customer.subscription.updated", subscription, account=saas.account))
    counted = round_trips(answer)
    assert (counted["d1"], counted["fetches"]) == (4, 1)
    again = send(stack, event_of("payout.paid", {"id": "po_2"}, account=saas.account))
    counted = round_trips(again)
    assert (counted["d1"], counted["fetches"]) == (2, 0)
