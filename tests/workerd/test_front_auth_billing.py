"""The developer's own subscription: paid once, told by events however they come, finished after a crash. In workerd."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from devstack.stack.stack import Stack
from dream.domain import keys
from tests.support.developers import Developer, make_developer
from tests.support.killing import kill_during
from tests.support.platform_events import PlatformEvents
from tests.support.stripe_accounts import StripeControls
from tests.support.tenants import FAR_AWAY, make_tenant

WORKER = "front-auth-api"
METADATA_AT_CLERK = ("plan", "platformId", "subscriptionStatus")


@pytest.fixture(scope="module")
def events(stack: Stack, stripe: StripeControls) -> PlatformEvents:
    return PlatformEvents(stack, stripe)


@pytest.fixture
def newcomer(stack: Stack, stripe: StripeControls) -> Developer:
    return make_developer(stack, stripe, platform=False)


@pytest.fixture
def deaf(stripe: StripeControls) -> Iterator[None]:
    """Stripe delivers nothing of itself; tests deliver by hand."""
    stripe.drained()
    stripe.control("webhooks/rules", {"drop": True})
    yield
    stripe.clear("webhooks/rules")


def call(developer: Developer, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
    return developer.request(method, path, body, worker=WORKER, headers=headers)


def checkout(developer: Developer) -> dict[str, Any]:
    answer = call(developer, "POST", "/create-checkout", {})
    assert answer.status_code == 200, answer.text
    return answer.json()


def platform(stack: Stack, developer: Developer) -> dict[str, Any]:
    (row,) = stack.d1("SELECT * FROM platforms WHERE clerkUserId = ?1", developer.user_id)
    return row


def payment_state(stack: Stack, developer: Developer) -> dict[str, Any]:
    """All that is kept of the subscription but ids and the moment of writing, with the lines of the audit log."""
    row = platform(stack, developer)
    audit = stack.d1(
        "SELECT action FROM audit_log WHERE platformId = ?1 AND actor = 'stripe' ORDER BY action", row["platformId"]
    )
    passing = ("platformId", "clerkUserId", "email", "clerkUpdatedAt", "createdAt", "updatedAt", "subscriptionId")
    passing += ("stripeCustomerId", "checkoutSessionId", "currentPeriodStart", "currentPeriodEnd")
    kept = {name: value for name, value in row.items() if name not in passing}
    return {**kept, "payments": [line["action"] for line in audit if line["action"].startswith("payment.")]}


def at_clerk(stack: Stack, developer: Developer) -> Mapping[str, Any]:
    """The developer's public metadata, once nothing is owed any more."""
    stack.run_scheduled(WORKER)
    headers = {"Authorization": f"Bearer {stack.state['clerkSecretKeys']['developers']}"}
    answer = httpx.get(f"{stack.url('clerk')}/v1/users/{developer.user_id}", headers=headers)
    return answer.raise_for_status().json()["public_metadata"]


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


def test_a_paid_checkout_makes_the_developer_a_paying_one(
    stack: Stack, stripe: StripeControls, newcomer: Developer
) -> None:
    before = call(newcomer, "GET", "/subscription").json()
    assert (before["plan"], before["status"], before["liveKeysActive"]) == ("free", "none", False)
    opened = checkout(newcomer)
    assert opened["url"] == opened["checkoutUrl"]
    session = stripe.pay(opened["sessionId"])
    stripe.drained()
    row = platform(stack, newcomer)
    named = {"platformId": row["platformId"], "userId": newcomer.user_id}
    assert session["metadata"] == named
    subscription = stripe.api("GET", f"subscriptions/{session['subscription']}", None)
    assert subscription["metadata"] == named
    (item,) = subscription["items"]["data"]
    assert (item["price"]["unit_amount"], item["price"]["currency"], item["price"]["recurring"]["interval"]) == (
        1500,
        "usd",
        "month",
    )
    assert payment_state(stack, newcomer) == PAID
    after = call(newcomer, "GET", "/subscription").json()
    assert (after["plan"], after["status"], after["liveKeysActive"], after["liveKeysUntil"]) == (
        "paid",
        "active",
        True,
        None,
    )
    assert after["currentPeriodEnd"] == row["currentPeriodEnd"]
    metadata = at_clerk(stack, newcomer)
    assert {name: metadata[name] for name in METADATA_AT_CLERK} == {
        "plan": "paid",
        "platformId": row["platformId"],
        "subscriptionStatus": "active",
    }


def test_checkouts_asked_for_at_once_are_one_checkout_of_one_customer(
    stack: Stack, stripe: StripeControls, newcomer: Developer
) -> None:
    with ThreadPoolExecutor(6) as pool:
        opened = list(pool.map(lambda _: checkout(newcomer), range(6)))
    assert len({each["sessionId"] for each in opened}) == 1
    assert checkout(newcomer)["sessionId"] == opened[0]["sessionId"]
    row = platform(stack, newcomer)
    sessions = stripe.api("GET", "checkout/sessions", None, customer=row["stripeCustomerId"])["data"]
    assert [session["id"] for session in sessions] == [row["checkoutSessionId"]]


def test_a_developer_who_has_paid_is_sent_to_the_portal_and_never_pays_twice(
    stack: Stack, stripe: StripeControls, newcomer: Developer, deaf: None
) -> None:
    session = stripe.pay(checkout(newcomer)["sessionId"])
    assert platform(stack, newcomer)["subscriptionId"] is None, "no event has come"
    again = checkout(newcomer)
    assert again["alreadySubscribed"] is True
    assert "/p/session/" in again["url"]
    assert platform(stack, newcomer)["subscriptionId"] == session["subscription"]
    assert platform(stack, newcomer)["liveKeysUntil"] == FAR_AWAY
    assert "/p/session/" in call(newcomer, "POST", "/billing-portal", {}).json()["url"]


def test_an_expired_checkout_is_followed_by_a_new_one(
    stack: Stack, stripe: StripeControls, newcomer: Developer
) -> None:
    first = checkout(newcomer)
    stripe.api("POST", f"checkout/sessions/{first['sessionId']}/expire", None)
    second = checkout(newcomer)
    assert second["sessionId"] != first["sessionId"]
    assert stripe.api("GET", f"checkout/sessions/{second['sessionId']}", None)["status"] == "open"


def test_there_is_no_portal_for_who_never_began_to_pay(newcomer: Developer) -> None:
    answer = call(newcomer, "POST", "/billing-portal", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_subscription")


def customers_of(stripe: StripeControls, platform_id: str) -> int:
    customers = stripe.api("GET", "customers", None, limit=100)["data"]
    return sum(each["metadata"].get("platformId") == platform_id for each in customers)


@pytest.mark.parametrize("takes_effect", [False, True])
def test_stripe_failing_at_a_checkout_is_a_502_at_worst_and_leaves_one_customer(
    stack: Stack, stripe: StripeControls, newcomer: Developer, takes_effect: bool
) -> None:
    fault = {"method": "POST", "path": "/v1/customers", "times": 9, "status": 500, "after": takes_effect}
    stripe.control("faults", fault)
    try:
        answer = call(newcomer, "POST", "/create-checkout", {})
    finally:
        stripe.clear("faults")
    if not takes_effect:
        assert answer.status_code == 502
        assert set(answer.json()) == {"error", "code", "message", "requestId"}
    checkout(newcomer)
    assert customers_of(stripe, platform(stack, newcomer)["platformId"]) == 1


def test_a_second_subscription_ends_and_its_money_goes_back(
    stack: Stack, stripe: StripeControls, newcomer: Developer
) -> None:
    stripe.pay(checkout(newcomer)["sessionId"])
    stripe.drained()
    row = platform(stack, newcomer)
    form = {
        "mode": "subscription",
        "customer": row["stripeCustomerId"],
        "line_items[0][price]": stack.configuration.platform_price_id,
        "line_items[0][quantity]": "1",
        "success_url": "https://example.com/",
        "subscription_data[metadata][platformId]": row["platformId"],
    }
    headers = {"Authorization": f"Bearer {stack.state['stripeSecretKeys']['test']}"}
    made = httpx.post(f"{stack.url('stripe')}/v1/checkout/sessions", data=form, headers=headers)
    second = stripe.pay(made.raise_for_status().json()["id"])
    stripe.drained()
    stack.run_scheduled(WORKER)
    stripe.drained()
    assert stripe.api("GET", f"subscriptions/{second['subscription']}", None)["status"] == "canceled"
    (charge,) = (
        each
        for each in stripe.api("GET", "charges", None, customer=row["stripeCustomerId"])["data"]
        if each["refunded"]
    )
    assert charge["amount_refunded"] == 1500
    assert platform(stack, newcomer)["subscriptionId"] == row["subscriptionId"]
    assert platform(stack, newcomer)["subscriptionStatus"] == "active"


# However events come


def subscribed_unheard(stripe: StripeControls, events: PlatformEvents, developer: Developer) -> list[dict[str, Any]]:
    """The developer pays; the events that tell of it, of which none was delivered."""
    session = stripe.pay(checkout(developer)["sessionId"])
    found = events.of(session["id"], session["subscription"], session["invoice"])
    assert {"checkout.session.completed", "customer.subscription.created", "invoice.paid"} <= {
        event["type"] for event in found
    }
    return found


def test_events_thrice_shuffled_and_at_once_come_to_the_same_as_once_in_order(
    stack: Stack, stripe: StripeControls, events: PlatformEvents, deaf: None
) -> None:
    in_order, at_random = (make_developer(stack, stripe, platform=False) for _ in range(2))
    heard: list[dict[str, Any]] = []
    for developer in (in_order, at_random):
        subscribed_unheard(stripe, events, developer)
        row = platform(stack, developer)
        subscription_id = stripe.api("GET", "subscriptions", None, customer=row["stripeCustomerId"])["data"][0]["id"]
        for form in ({"cancel_at_period_end": "true"}, {"cancel_at_period_end": "false"}):
            stripe.api("POST", f"subscriptions/{subscription_id}", None, **form)
        stripe.api("DELETE", f"subscriptions/{subscription_id}", None)
        row["subscriptionId"] = subscription_id
        invoices = stripe.api("GET", "invoices", None, customer=row["stripeCustomerId"])["data"]
        told = events.of(row["checkoutSessionId"], subscription_id, *(invoice["id"] for invoice in invoices))
        assert len(told) >= 6
        heard += told
        if developer is in_order:
            deliveries, width = told, 1
        else:
            deliveries, width = told * 3, 8
            random.Random(7).shuffle(deliveries)
        with ThreadPoolExecutor(width) as pool:
            answers = list(pool.map(events.deliver, deliveries))
        assert {answer.status_code for answer in answers} == {200}
    ordered, shuffled = payment_state(stack, in_order), payment_state(stack, at_random)
    assert ordered["subscriptionStatus"] == shuffled["subscriptionStatus"] == "canceled"
    moments = ("canceledAt", "endedAt", "liveKeysUntil")
    assert all(ordered.pop(name) and shuffled.pop(name) for name in moments)
    assert ordered == shuffled
    assert at_clerk(stack, at_random)["plan"] == at_clerk(stack, in_order)["plan"] == "free"
    for event in heard:
        assert stack.d1("SELECT outcome FROM events WHERE eventId = ?1", event["id"])[0]["outcome"] is not None


def test_an_ended_subscription_never_comes_back_to_life(
    stack: Stack, stripe: StripeControls, events: PlatformEvents, newcomer: Developer, deaf: None
) -> None:
    told = subscribed_unheard(stripe, events, newcomer)
    assert all(events.deliver(event).status_code == 200 for event in told)
    row = platform(stack, newcomer)
    stripe.api("DELETE", f"subscriptions/{row['subscriptionId']}", None)
    (ended,) = (event for event in events.of(row["subscriptionId"]) if event["type"].endswith("deleted"))
    assert events.deliver(ended).status_code == 200
    assert platform(stack, newcomer)["subscriptionStatus"] == "canceled"
    for event in told:
        assert events.deliver({**event, "id": f"{event['id']}_again"}).status_code == 200
    after = platform(stack, newcomer)
    assert (after["subscriptionStatus"], after["liveKeysUntil"] < FAR_AWAY) == ("canceled", True)


def test_who_cancels_and_pays_again_keeps_the_new_subscription_however_late_the_old_ones_end_is_told(
    stack: Stack, stripe: StripeControls, events: PlatformEvents, newcomer: Developer, deaf: None
) -> None:
    assert all(events.deliver(event).status_code == 200 for event in subscribed_unheard(stripe, events, newcomer))
    first = platform(stack, newcomer)["subscriptionId"]
    stripe.api("DELETE", f"subscriptions/{first}", None)
    session = stripe.pay(checkout(newcomer)["sessionId"])
    told = events.of(session["subscription"], session["id"])
    (ended,) = (event for event in events.of(first) if event["type"].endswith("deleted"))
    for event in (*told, ended):
        assert events.deliver(event).status_code == 200
    at_clerk(stack, newcomer)
    assert stripe.api("GET", f"subscriptions/{session['subscription']}", None)["status"] == "active"
    row = platform(stack, newcomer)
    assert (row["subscriptionId"], row["liveKeysUntil"]) == (session["subscription"], FAR_AWAY)


def test_events_of_other_accounts_and_modes_change_nothing(
    stack: Stack, stripe: StripeControls, events: PlatformEvents, newcomer: Developer, deaf: None
) -> None:
    told = subscribed_unheard(stripe, events, newcomer)
    for changes in ({"account": "acct_other"}, {"livemode": True}):
        for event in told:
            forged = {**event, **changes, "id": f"{event['id']}_{next(iter(changes))}"}
            assert events.deliver(forged).status_code == 200
            (row,) = stack.d1("SELECT outcome FROM events WHERE eventId = ?1", forged["id"])
            assert row["outcome"] == "rejected"
    assert platform(stack, newcomer)["subscriptionId"] is None


def test_refunds_and_disputes_are_noted_once_and_access_follows_the_subscription(
    stack: Stack, stripe: StripeControls, events: PlatformEvents, newcomer: Developer, deaf: None
) -> None:
    assert all(events.deliver(event).status_code == 200 for event in subscribed_unheard(stripe, events, newcomer))
    row = platform(stack, newcomer)
    (charge,) = stripe.api("GET", "charges", None, customer=row["stripeCustomerId"])["data"]
    stripe.control("refunds", {"charge": charge["id"], "amount": 500})
    dispute = stripe.control("disputes", {"charge": charge["id"]})
    told = [
        event
        for event in events.of(charge["id"], dispute["id"])
        if event["type"] in ("charge.refunded", "charge.dispute.created")
    ]
    assert {event["type"] for event in told} == {"charge.refunded", "charge.dispute.created"}
    for event in told * 3:
        assert events.deliver(event).status_code == 200
    assert payment_state(stack, newcomer) == {
        **PAID,
        "payments": ["payment.disputed", "payment.refunded", "payment.succeeded"],
    }


def test_a_customer_deleted_at_stripe_is_made_anew_by_the_next_checkout(
    stack: Stack, stripe: StripeControls, events: PlatformEvents, newcomer: Developer, deaf: None
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


# Killed half-way

STEPS = (
    "{type}:claimed",
    "platform-subscription:numbered",
    "platform-subscription:read",
    "{type}:decided",
    "{type}:committed",
)


@pytest.mark.parametrize("kind", ["checkout.session.completed", "customer.subscription.created", "invoice.paid"])
def test_an_event_whose_handling_was_killed_at_any_step_is_finished_by_the_retry(
    stack: Stack, stripe: StripeControls, events: PlatformEvents, deaf: None, kind: str
) -> None:
    developers = [make_developer(stack, stripe, platform=False) for _ in STEPS]
    told = [subscribed_unheard(stripe, events, developer) for developer in developers]
    first = [next(event for event in each if event["type"] == kind) for each in told]
    kill_during(
        stack,
        WORKER,
        [
            (step.format(type=kind), lambda event=event: events.deliver(event))
            for step, event in zip(STEPS, first, strict=True)
        ],
    )
    for developer, event, others in zip(developers, first, told, strict=True):
        assert events.deliver(event).status_code == 200
        assert platform(stack, developer)["liveKeysUntil"] == FAR_AWAY
        assert all(events.deliver(other).status_code == 200 for other in others)
        assert payment_state(stack, developer) == PAID
        assert at_clerk(stack, developer)["plan"] == "paid"


def test_a_checkout_whose_request_was_killed_at_any_step_is_opened_once(stack: Stack, stripe: StripeControls) -> None:
    steps = ("create-checkout:customer-created", "create-checkout:session-created")
    developers = [make_developer(stack, stripe, platform=False) for _ in steps]
    kill_during(
        stack,
        WORKER,
        [
            (step, lambda developer=developer: call(developer, "POST", "/create-checkout", {}))
            for step, developer in zip(steps, developers, strict=True)
        ],
    )
    for developer in developers:
        opened = checkout(developer)
        row = platform(stack, developer)
        sessions = stripe.api("GET", "checkout/sessions", None, customer=row["stripeCustomerId"])["data"]
        assert [session["id"] for session in sessions] == [opened["sessionId"]]
        assert customers_of(stripe, row["platformId"]) == 1


# What Clerk tells


def user_data(user_id: str, email: str, updated_at: int) -> dict[str, Any]:
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


def test_the_newest_state_of_a_developer_wins_whatever_the_order(stack: Stack, events: PlatformEvents) -> None:
    user_id = f"user_{keys.make_id('order', random.Random(3).randbytes)}"
    messages = [
        ("user.created", user_data(user_id, "first@example.com", 1_000)),
        ("user.updated", user_data(user_id, "second@example.com", 2_000)),
        ("user.updated", user_data(user_id, "third@example.com", 3_000)),
    ]
    deliveries = [(f"msg_{user_id}_{index}", *message) for index, message in enumerate(messages)] * 3
    random.Random(5).shuffle(deliveries)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda each: events.tell(*each), deliveries))
    assert {answer.status_code for answer in answers} == {200}
    (row,) = stack.d1("SELECT platformId, email FROM platforms WHERE clerkUserId = ?1", user_id)
    assert row["email"] == "third@example.com"
    assert row["platformId"].startswith("plt_")


def test_a_deleted_developer_leaves_nothing_and_no_late_event_brings_them_back(
    stack: Stack, stripe: StripeControls, events: PlatformEvents, newcomer: Developer
) -> None:
    subscription_id = stripe.pay(checkout(newcomer)["sessionId"])["subscription"]
    stripe.drained()
    row = platform(stack, newcomer)
    tenant = make_tenant(stack, platform=(row["platformId"], newcomer.user_id))
    usable = {"Authorization": f"Bearer {tenant.secret_key}", "X-User-Id": "user_1"}
    assert httpx.post(f"{stack.url('api-multi')}/api/data", headers=usable, json={}).status_code == 200

    gone = {"id": newcomer.user_id, "deleted": True, "object": "user"}
    for _ in range(2):
        assert events.tell(f"msg_gone_{newcomer.user_id}", "user.deleted", gone).status_code == 200
    late = user_data(newcomer.user_id, "back@example.com", 9_000_000_000_000)
    assert events.tell(f"msg_late_{newcomer.user_id}", "user.created", late).status_code == 200
    stack.run_scheduled(WORKER)
    stripe.drained()

    after = platform(stack, newcomer)
    assert (after["platformId"], after["email"], after["deletedAt"] is None) == (row["platformId"], None, False)
    assert stack.d1("SELECT 1 FROM projects WHERE platformId = ?1", row["platformId"]) == []
    assert httpx.post(f"{stack.url('api-multi')}/api/data", headers=usable, json={}).status_code == 401
    assert stripe.api("GET", f"subscriptions/{subscription_id}", None)["status"] == "canceled"
    for method, path in (("GET", "/subscription"), ("POST", "/verify-auth"), ("POST", "/generate-platform-id")):
        assert call(newcomer, method, path, None if method == "GET" else {}).status_code == 401


def test_a_sign_up_told_by_an_event_that_was_killed_at_any_step_makes_one_platform(
    stack: Stack, events: PlatformEvents
) -> None:
    steps = ("user.created:claimed", "user.created:decided", "user.created:committed")
    users = [keys.make_id("user", os.urandom) for _ in steps]

    def created(user_id: str) -> httpx.Response:
        return events.tell(f"msg_{user_id}", "user.created", user_data(user_id, f"{user_id}@example.com", 1_000))

    kill_during(
        stack,
        WORKER,
        [(step, lambda user_id=user_id: created(user_id)) for step, user_id in zip(steps, users, strict=True)],
    )
    for user_id in users:
        assert created(user_id).status_code == 200
        (row,) = stack.d1("SELECT email FROM platforms WHERE clerkUserId = ?1", user_id)
        assert row["email"] == f"{user_id}@example.com"


def test_a_deletion_that_was_killed_at_any_step_is_finished_by_the_retry(
    stack: Stack, stripe: StripeControls, events: PlatformEvents
) -> None:
    steps = ("user.deleted:claimed", "user.deleted:decided", "user.deleted:committed")
    developers = [make_developer(stack, stripe, connected=()) for _ in steps]
    for developer in developers:
        make_tenant(stack, platform=(developer.platform_id, developer.user_id))

    def delete(developer: Developer) -> httpx.Response:
        data = {"id": developer.user_id, "deleted": True, "object": "user"}
        return events.tell(f"msg_killed_{developer.user_id}", "user.deleted", data)

    kill_during(
        stack,
        WORKER,
        [
            (step, lambda developer=developer: delete(developer))
            for step, developer in zip(steps, developers, strict=True)
        ],
    )
    for developer in developers:
        assert delete(developer).status_code == 200
        assert platform(stack, developer)["deletedAt"] is not None
        assert stack.d1("SELECT 1 FROM projects WHERE platformId = ?1", developer.platform_id) == []
