"""Stripe's events about the platform's own subscription: in any order, repeated, late, of other accounts, and half handled."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.support.clerk_controls import ClerkControls
from tests.support.developers import Developer, make_developer
from tests.support.in_process.stack import InProcessStack
from tests.support.killing import die_at
from tests.support.platform_events import PlatformEvents
from tests.support.platform_subscriptions import (
    PAID,
    at_clerk,
    checkout,
    pay_without_deliveries,
    payment_state,
    platform,
)
from tests.support.stack import Stack
from tests.support.stripe_accounts import StripeControls
from tests.support.tenants import FAR_AWAY
from tests.support.webhooks import event_of

WORKER = "front-auth-api"
DAY_SECONDS = 24 * 3600


def test_events_repeated_shuffled_and_at_once_give_the_state_of_once_in_order(
    stack: Stack, stripe: StripeControls, clerk: ClerkControls, events: PlatformEvents, no_deliveries: None
) -> None:
    in_order, at_random = (make_developer(stack, stripe, platform=False) for _ in range(2))
    delivered: list[dict[str, Any]] = []
    for developer in (in_order, at_random):
        pay_without_deliveries(stripe, events, developer)
        row = platform(stack, developer)
        subscription_id = stripe.api("GET", "subscriptions", None, customer=row["stripeCustomerId"])["data"][0]["id"]
        for form in ({"cancel_at_period_end": "true"}, {"cancel_at_period_end": "false"}):
            stripe.api("POST", f"subscriptions/{subscription_id}", None, **form)
        stripe.api("DELETE", f"subscriptions/{subscription_id}", None)
        row["subscriptionId"] = subscription_id
        invoices = stripe.api("GET", "invoices", None, customer=row["stripeCustomerId"])["data"]
        recorded = events.of(row["checkoutSessionId"], subscription_id, *(invoice["id"] for invoice in invoices))
        assert len(recorded) >= 6
        delivered += recorded
        if developer is in_order:
            answers = [events.deliver(event) for event in recorded]
        else:
            deliveries = recorded * 3
            random.Random(7).shuffle(deliveries)
            answers = stack.at_once([events.delivery_of(event) for event in deliveries])
        assert {answer.status_code for answer in answers} == {200}
    ordered, shuffled = payment_state(stack, in_order), payment_state(stack, at_random)
    assert ordered["subscriptionStatus"] == shuffled["subscriptionStatus"] == "canceled"
    moments = ("canceledAt", "endedAt", "liveKeysUntil")
    assert all(ordered.pop(name) and shuffled.pop(name) for name in moments)
    assert ordered == shuffled
    assert at_clerk(stack, clerk, at_random)["plan"] == at_clerk(stack, clerk, in_order)["plan"] == "free"
    for event in delivered:
        assert stack.d1("SELECT outcome FROM events WHERE eventId = ?1", event["id"])[0]["outcome"] is not None


def test_an_ended_subscription_never_becomes_active_again(
    stack: Stack, stripe: StripeControls, events: PlatformEvents, newcomer: Developer, no_deliveries: None
) -> None:
    recorded = pay_without_deliveries(stripe, events, newcomer)
    assert all(events.deliver(event).status_code == 200 for event in recorded)
    row = platform(stack, newcomer)
    stripe.api("DELETE", f"subscriptions/{row['subscriptionId']}", None)
    (ended,) = (event for event in events.of(row["subscriptionId"]) if event["type"].endswith("deleted"))
    assert events.deliver(ended).status_code == 200
    assert platform(stack, newcomer)["subscriptionStatus"] == "canceled"
    for event in recorded:
        assert events.deliver({**event, "id": f"{event['id']}_again"}).status_code == 200
    after = platform(stack, newcomer)
    assert (after["subscriptionStatus"], after["liveKeysUntil"] < FAR_AWAY) == ("canceled", True)


def test_a_late_event_about_the_first_subscription_does_not_end_the_second(
    stack: Stack,
    stripe: StripeControls,
    clerk: ClerkControls,
    events: PlatformEvents,
    newcomer: Developer,
    no_deliveries: None,
) -> None:
    assert all(events.deliver(event).status_code == 200 for event in pay_without_deliveries(stripe, events, newcomer))
    first = platform(stack, newcomer)["subscriptionId"]
    stripe.api("DELETE", f"subscriptions/{first}", None)
    session = stripe.pay(checkout(newcomer)["sessionId"])
    recorded = events.of(session["subscription"], session["id"])
    (ended,) = (event for event in events.of(first) if event["type"].endswith("deleted"))
    for event in (*recorded, ended):
        assert events.deliver(event).status_code == 200
    at_clerk(stack, clerk, newcomer)
    assert stripe.api("GET", f"subscriptions/{session['subscription']}", None)["status"] == "active"
    row = platform(stack, newcomer)
    assert (row["subscriptionId"], row["liveKeysUntil"]) == (session["subscription"], FAR_AWAY)


def test_events_of_other_accounts_and_modes_change_nothing(
    stack: Stack, stripe: StripeControls, events: PlatformEvents, newcomer: Developer, no_deliveries: None
) -> None:
    recorded = pay_without_deliveries(stripe, events, newcomer)
    for changes in ({"account": "acct_other"}, {"livemode": True}):
        for event in recorded:
            forged = {**event, **changes, "id": f"{event['id']}_{next(iter(changes))}"}
            assert events.deliver(forged).status_code == 200
            (row,) = stack.d1("SELECT outcome FROM events WHERE eventId = ?1", forged["id"])
            assert row["outcome"] == "rejected"
    assert platform(stack, newcomer)["subscriptionId"] is None


def test_refunds_and_disputes_are_recorded_once_and_leave_the_subscription_as_it_is(
    stack: Stack, stripe: StripeControls, events: PlatformEvents, newcomer: Developer, no_deliveries: None
) -> None:
    assert all(events.deliver(event).status_code == 200 for event in pay_without_deliveries(stripe, events, newcomer))
    row = platform(stack, newcomer)
    (charge,) = stripe.api("GET", "charges", None, customer=row["stripeCustomerId"])["data"]
    stripe.control("refunds", {"charge": charge["id"], "amount": 500})
    dispute = stripe.control("disputes", {"charge": charge["id"]})
    recorded = [
        event
        for event in events.of(charge["id"], dispute["id"])
        if event["type"] in ("charge.refunded", "charge.dispute.created")
    ]
    assert {event["type"] for event in recorded} == {"charge.refunded", "charge.dispute.created"}
    for event in recorded * 3:
        assert events.deliver(event).status_code == 200
    assert payment_state(stack, newcomer) == {
        **PAID,
        "payments": ["payment.disputed", "payment.refunded", "payment.succeeded"],
    }


def test_a_checkout_after_the_customer_was_deleted_at_stripe_creates_another_customer(
    stack: Stack, stripe: StripeControls, events: PlatformEvents, newcomer: Developer, no_deliveries: None
) -> None:
    checkout(newcomer)
    customer_id = platform(stack, newcomer)["stripeCustomerId"]
    stripe.api("DELETE", f"customers/{customer_id}", None)
    (deleted,) = (event for event in events.of(customer_id) if event["type"] == "customer.deleted")
    for _ in range(2):
        assert events.deliver(deleted).status_code == 200
    assert platform(stack, newcomer)["stripeCustomerId"] is None
    checkout(newcomer)
    assert platform(stack, newcomer)["stripeCustomerId"] not in (None, customer_id)


STEPS = (
    "{type}:claimed",
    "platform-subscription:numbered",
    "platform-subscription:read",
    "{type}:decided",
    "{type}:committed",
)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("kind", ["checkout.session.completed", "customer.subscription.created", "invoice.paid"])
def test_an_event_that_dies_at_any_step_is_handled_by_its_retry(
    stack: InProcessStack,
    stripe: StripeControls,
    clerk: ClerkControls,
    events: PlatformEvents,
    newcomer: Developer,
    no_deliveries: None,
    kind: str,
    step: str,
) -> None:
    recorded = pay_without_deliveries(stripe, events, newcomer)
    event = next(each for each in recorded if each["type"] == kind)
    die_at(stack, WORKER, step.format(type=kind), lambda: events.deliver(event))
    assert events.deliver(event).status_code == 200
    assert platform(stack, newcomer)["liveKeysUntil"] == FAR_AWAY
    assert all(events.deliver(other).status_code == 200 for other in recorded)
    assert payment_state(stack, newcomer) == PAID
    assert at_clerk(stack, clerk, newcomer)["plan"] == "paid"


def outcome(stack: Stack, events: PlatformEvents, kind: str, obj: dict[str, Any]) -> str:
    """Delivers a new event about the object; what became of it."""
    event = event_of(kind, obj, account=None)
    assert events.deliver(event).status_code == 200
    (row,) = stack.d1("SELECT outcome FROM events WHERE eventId = ?1", event["id"])
    return row["outcome"]


@pytest.mark.parametrize(
    ("kind", "obj"),
    [
        ("checkout.session.completed", {"id": "cs_1", "mode": "payment", "subscription": None}),
        ("checkout.session.completed", {"id": "cs_1", "mode": "subscription", "subscription": None}),
        ("checkout.session.completed", {"id": "cs_1", "mode": "subscription", "subscription": "sub_unknown"}),
        ("customer.subscription.updated", {"id": "sub_unknown", "object": "subscription"}),
    ],
)
def test_an_event_about_no_platforms_subscription_is_ignored(
    stack: Stack, events: PlatformEvents, newcomer: Developer, kind: str, obj: dict[str, Any]
) -> None:
    checkout(newcomer)
    before = platform(stack, newcomer)
    assert outcome(stack, events, kind, obj) == "ignored"
    assert platform(stack, newcomer) == before


def test_a_charge_of_a_customer_without_a_platform_is_ignored(
    stack: Stack, stripe: StripeControls, events: PlatformEvents
) -> None:
    stranger = stripe.api("POST", "customers", None, email="stranger@example.com")["id"]
    product = stripe.api("POST", "products", None, name="A mug")["id"]
    price = stripe.api("POST", "prices", None, product=product, unit_amount=500, currency="usd")["id"]
    form = {"mode": "payment", "customer": stranger, "success_url": "https://example.com/"}
    lines = {"line_items[0][price]": price, "line_items[0][quantity]": "1"}
    stripe.pay(stripe.api("POST", "checkout/sessions", None, **form, **lines)["id"])
    (charge,) = stripe.api("GET", "charges", None, customer=stranger)["data"]
    stripe.control("refunds", {"charge": charge["id"]})
    (refunded,) = [event for event in events.of(charge["id"]) if event["type"] == "charge.refunded"]
    assert stack.d1("SELECT outcome FROM events WHERE eventId = ?1", refunded["id"]) == [{"outcome": "ignored"}]
    assert stack.d1("SELECT * FROM audit_log") == []


def subscribe_by_hand(stripe: StripeControls, customer_id: str, price_id: str) -> dict[str, Any]:
    """A subscription that was created in Stripe's dashboard, without our metadata, and its events."""
    session = stripe.api(
        "POST",
        "checkout/sessions",
        None,
        mode="subscription",
        customer=customer_id,
        success_url="https://example.com/",
        **{"line_items[0][price]": price_id, "line_items[0][quantity]": "1"},
    )
    return stripe.pay(session["id"])


def test_a_subscription_without_metadata_belongs_to_the_customers_platform_if_it_sells_our_plan(
    stack: Stack, stripe: StripeControls, clerk: ClerkControls, newcomer: Developer
) -> None:
    checkout(newcomer)
    customer_id = platform(stack, newcomer)["stripeCustomerId"]
    product = stripe.api("POST", "products", None, name="Something else")["id"]
    form = {"product": product, "unit_amount": 100, "currency": "usd", "recurring[interval]": "month"}
    other_price = stripe.api("POST", "prices", None, **form)["id"]
    subscribe_by_hand(stripe, customer_id, other_price)
    assert platform(stack, newcomer)["subscriptionId"] is None
    session = subscribe_by_hand(stripe, customer_id, stack.configuration.platform_price_id)
    assert platform(stack, newcomer)["subscriptionId"] == session["subscription"]
    assert payment_state(stack, newcomer) == PAID
    assert at_clerk(stack, clerk, newcomer)["plan"] == "paid"


def test_a_renewal_that_fails_is_recorded_and_ends_the_plan_after_the_grace_time(
    stack: Stack, stripe: StripeControls, clerk: ClerkControls, newcomer: Developer
) -> None:
    subscription_id = stripe.pay(checkout(newcomer)["sessionId"])["subscription"]
    stripe.control(f"payment-methods/{subscription_id}/behaviour", {"decline": "insufficient_funds"})
    stripe.control("clock", {"advanceSeconds": 31 * DAY_SECONDS + 7200})
    stack.deliver()
    assert platform(stack, newcomer)["subscriptionStatus"] == "past_due"
    assert "payment.failed" in payment_state(stack, newcomer)["payments"]
    assert at_clerk(stack, clerk, newcomer)["plan"] == "paid"
    stripe.control("clock", {"advanceSeconds": 8 * DAY_SECONDS})
    for _ in range(3):
        stack.run_scheduled(WORKER)
    assert at_clerk(stack, clerk, newcomer)["plan"] == "free"
