"""Guarantee: an event of a connected account changes that account's projects only, once, and in any order."""

from __future__ import annotations

import random
import time
from typing import Any

import httpx
import pytest

from tests.support.answers import round_trips
from tests.support.in_process.stack import InProcessStack
from tests.support.killing import die_at
from tests.support.outbox import settled
from tests.support.stack import Stack
from tests.support.stripe_accounts import Saas, StripeControls, make_account, make_saas
from tests.support.subscribers import subscribe
from tests.support.tenants import make_platform
from tests.support.webhooks import event_of, events_about, outcome, send, send_at_once


def subscription_at_stripe(api: httpx.Client, stripe: StripeControls, saas: Saas, user: str) -> dict[str, Any]:
    """A new, paid subscription as Stripe shows it."""
    subscription_id = subscribe(api, stripe, saas, user)
    return stripe.api("GET", f"subscriptions/{subscription_id}", saas.account, saas.tenant.mode)


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


def test_an_event_that_names_another_tenants_project_changes_nothing(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, other: Saas, user: str
) -> None:
    """Every connected developer can write any project's key into metadata."""
    victim = subscription_at_stripe(api, stripe, saas, user)
    settled(stack, user)
    forged = make_subscription(stripe, other, {"publishableKey": saas.tenant.publishable_key, "userId": user})
    stripe.drained()
    settled(stack, user)
    for event_type in (
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.deleted",
    ):
        assert_without_effect(stack, event_of(event_type, forged, account=other.account), "rejected")
        own_id = {**victim, "status": "canceled"}
        assert_without_effect(stack, event_of(event_type, own_id, account=other.account), "rejected")
    invoice = invoice_of(forged)
    for event_type in ("invoice.paid", "invoice.payment_failed"):
        assert_without_effect(stack, event_of(event_type, invoice, account=other.account), "rejected")
    session = session_of(forged)
    assert_without_effect(stack, event_of("checkout.session.completed", session, account=other.account), "rejected")


def test_a_subscription_of_another_account_under_own_metadata_is_not_taken_over(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, other: Saas, user: str
) -> None:
    """The id is another tenant's, the metadata and the account are the attacker's own."""
    victim = subscription_at_stripe(api, stripe, saas, user)
    settled(stack, user)
    mine = {**victim, "metadata": {"publishableKey": other.tenant.publishable_key, "userId": user}}
    assert_without_effect(stack, event_of("customer.subscription.updated", mine, account=other.account), "rejected")


def test_unknown_accounts_and_wrong_modes_change_nothing(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    subscription = subscription_at_stripe(api, stripe, saas, user)
    settled(stack, user)
    updated = "customer.subscription.updated"
    assert_without_effect(stack, event_of(updated, subscription, account="acct_unknown"), "rejected")
    assert_without_effect(stack, event_of(updated, subscription, account=None), "ignored")
    before = everything(stack)
    live = event_of(updated, subscription, account=saas.account, livemode=True)
    assert send(stack, live, endpoint="connectLive").status_code == 200
    assert outcome(stack, live["id"])[0] == "rejected"
    crossed = event_of(updated, subscription, account=saas.account, livemode=True)
    assert send(stack, crossed).status_code == 400
    assert outcome(stack, crossed["id"]) == (None, None)
    assert everything(stack) == before


def test_a_test_event_heard_by_the_live_endpoint_first_is_not_lost(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    """Live endpoints hear test events of connected accounts too: the refusal there leaves the event to the test endpoint."""
    stripe.control("webhooks/rules", {"drop": True})
    opened = api.post("/api/create-checkout", json={"tier": "pro"}, headers=saas.tenant.headers(user)).json()
    session = stripe.pay(opened["sessionId"])
    stripe.clear("webhooks/rules")
    event = event_of("checkout.session.completed", session, account=saas.account)
    assert send(stack, event, endpoint="connectLive").status_code == 400
    assert plan(api, saas, user) == "free"
    assert send(stack, event).json() == {"received": True, "duplicate": False}
    assert plan(api, saas, user) == "pro"


def test_subscriptions_that_are_not_ours_are_acknowledged_and_ignored(
    stack: Stack, stripe: StripeControls, saas: Saas
) -> None:
    foreign = make_subscription(stripe, saas, {})
    stripe.drained()
    for event_type in (
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.deleted",
    ):
        assert_without_effect(stack, event_of(event_type, foreign, account=saas.account), "ignored")
    assert_without_effect(stack, event_of("invoice.paid", invoice_of(foreign), account=saas.account), "ignored")
    one_off = {**invoice_of(foreign), "parent": None}
    assert_without_effect(stack, event_of("invoice.paid", one_off, account=saas.account), "ignored")
    assert_without_effect(stack, event_of("payout.paid", {"id": "po_1"}, account=saas.account), "ignored")


def test_a_subscription_on_a_price_of_no_tier_takes_no_users_place(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, other: Saas, user: str
) -> None:
    """Sold by the developer elsewhere, with our metadata on it."""
    metadata = {"publishableKey": saas.tenant.publishable_key, "userId": user}
    sold = make_subscription(stripe, saas, metadata, price=stray_price(stripe, saas))
    stripe.drained()
    assert stack.d1("SELECT * FROM subscriptions WHERE subscriptionId = ?1", sold["id"]) == []
    assert plan(api, saas, user) == "free"
    subscribe(api, stripe, saas, user)
    assert plan(api, saas, user) == "pro"


def test_what_is_not_signed_by_us_just_now_is_400_and_leaves_no_trace(stack: Stack, saas: Saas) -> None:
    event = event_of("customer.subscription.updated", {"id": "sub_x", "metadata": {}}, account=saas.account)
    for answer in (
        send(stack, event, endpoint="platform"),
        send(stack, event, timestamp=int(time.time()) - 301),
        send(stack, event, timestamp=int(time.time()) + 400),
        send(stack, event, signature=""),
        send(stack, event, signature="t=1,v1=00"),
        send(stack, event, signature=f"t={int(time.time())},v0=aa"),
        send(stack, b"\xff\xfe not json"),
        send(stack, b"[]"),
        send(stack, b"{}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_signature"), answer.text
    too_large = send(stack, b" " * (256 * 1024 + 1))
    assert too_large.status_code == 413
    assert outcome(stack, event["id"]) == (None, None)


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


@pytest.mark.parametrize("step", ["claimed", "decided", "committed"])
def test_a_handler_that_dies_is_finished_by_the_retry(
    stack: InProcessStack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str, step: str
) -> None:
    stripe.control("webhooks/rules", {"drop": True})
    opened = api.post("/api/create-checkout", json={"tier": "pro"}, headers=saas.tenant.headers(user)).json()
    session = stripe.pay(opened["sessionId"])
    stripe.clear("webhooks/rules")
    event = event_of("checkout.session.completed", session, account=saas.account)
    die_at(stack, "api-multi", f"checkout.session.completed:{step}", lambda: send(stack, event))
    assert send(stack, event).status_code == 200
    assert plan(api, saas, user) == "pro"
    assert len(stack.d1("SELECT 1 FROM subscriptions WHERE userId = ?1", user)) == 1


@pytest.mark.parametrize("step", ["claimed", "decided", "committed"])
def test_a_handler_that_fails_answers_500_and_is_finished_by_the_retry(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str, step: str
) -> None:
    stripe.control("webhooks/rules", {"drop": True})
    opened = api.post("/api/create-checkout", json={"tier": "pro"}, headers=saas.tenant.headers(user)).json()
    session = stripe.pay(opened["sessionId"])
    stripe.clear("webhooks/rules")
    event = event_of("checkout.session.completed", session, account=saas.account)
    api.post("/_devstack/checkpoints", json={"armed": {f"checkout.session.completed:{step}": "fail"}})
    assert send(stack, event).status_code == 500
    api.post("/_devstack/checkpoints", json={"armed": {}})
    assert send(stack, event).status_code == 200
    assert plan(api, saas, user) == "pro"


def test_a_failing_stripe_is_a_502_or_503_and_the_retry_finishes(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    stripe.control("webhooks/rules", {"drop": True})
    opened = api.post("/api/create-checkout", json={"tier": "pro"}, headers=saas.tenant.headers(user)).json()
    session = stripe.pay(opened["sessionId"])
    stripe.clear("webhooks/rules")
    event = event_of("checkout.session.completed", session, account=saas.account)
    stripe.control("faults", {"method": "GET", "path": "/v1/subscriptions/*", "times": 3, "status": 500})
    assert send(stack, event).status_code in (502, 503)
    stripe.clear("faults")
    assert plan(api, saas, user) == "free"
    assert send(stack, event).json() == {"received": True, "duplicate": False}
    assert plan(api, saas, user) == "pro"


def test_a_disconnected_account_is_revoked_unless_it_was_connected_again(stack: Stack, stripe: StripeControls) -> None:
    platform = make_platform(stack)
    account = make_account(stack, stripe, platform[0])
    application = {"id": "ca_x", "object": "application", "name": "dream-api"}
    late = event_of("account.application.deauthorized", application, account=account)
    assert send(stack, late).status_code == 200
    assert outcome(stack, late["id"]) == ("ignored", "connected again since")
    stripe.control(f"accounts/{account}/disconnect", {"mode": "test"})
    stripe.drained()
    rows = stack.d1("SELECT status, revokedAt FROM stripe_tokens WHERE stripeUserId = ?1", account)
    assert (rows[0]["status"], rows[0]["revokedAt"] is not None) == ("revoked", True)
    noted = stack.d1("SELECT actor, action FROM audit_log WHERE platformId = ?1", platform[0])
    assert noted == [{"actor": "stripe", "action": "stripe.disconnected"}]


def test_a_live_event_changes_no_test_data(stack: Stack, stripe: StripeControls, api: httpx.Client, user: str) -> None:
    platform = make_platform(stack)
    account = make_account(stack, stripe, platform[0], "live")
    live = make_saas(stack, stripe, mode="live", platform=platform, account=account)
    subscription = subscription_at_stripe(api, stripe, live, user)
    assert plan(api, live, user) == "pro"
    test = make_saas(stack, stripe, platform=platform, account=account_in_test(stack, stripe, platform[0]))
    as_test = {**subscription, "metadata": {"publishableKey": test.tenant.publishable_key, "userId": user}}
    event = event_of("customer.subscription.updated", as_test, account=account, livemode=True)
    before = everything(stack)
    assert send(stack, event, endpoint="connectLive").status_code == 200
    assert outcome(stack, event["id"])[0] == "rejected"
    assert everything(stack) == before


def test_a_webhook_takes_few_round_trips(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    subscription = subscription_at_stripe(api, stripe, saas, user)
    answer = send(stack, event_of("customer.subscription.updated", subscription, account=saas.account))
    counted = round_trips(answer)
    assert (counted["d1"], counted["fetches"]) == (4, 1)
    again = send(stack, event_of("payout.paid", {"id": "po_2"}, account=saas.account))
    counted = round_trips(again)
    assert (counted["d1"], counted["fetches"]) == (2, 0)


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
