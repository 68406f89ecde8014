"""The developer's own subscription: `/create-checkout`, `/billing-portal` and `/subscription`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.clerk_controls import ClerkControls
from tests.support.developers import Developer
from tests.support.in_process.stack import InProcessStack
from tests.support.killing import die_at
from tests.support.platform_subscriptions import PAID, at_clerk, checkout, customers_of, payment_state, platform
from tests.support.stack import Stack
from tests.support.stripe_accounts import StripeControls
from tests.support.tenants import FAR_AWAY

WORKER = "front-auth-api"
METADATA_AT_CLERK = ("plan", "platformId", "subscriptionStatus")


def test_a_developer_who_paid_a_checkout_is_on_the_paid_plan(
    stack: Stack, stripe: StripeControls, clerk: ClerkControls, newcomer: Developer
) -> None:
    before = newcomer.front_auth("GET", "/subscription").json()
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
    after = newcomer.front_auth("GET", "/subscription").json()
    assert (after["plan"], after["status"], after["liveKeysActive"], after["liveKeysUntil"]) == (
        "paid",
        "active",
        True,
        None,
    )
    assert after["currentPeriodEnd"] == row["currentPeriodEnd"]
    metadata = at_clerk(stack, clerk, newcomer)
    assert {name: metadata[name] for name in METADATA_AT_CLERK} == {
        "plan": "paid",
        "platformId": row["platformId"],
        "subscriptionStatus": "active",
    }


def test_requests_for_a_checkout_at_once_open_one_checkout_of_one_customer(
    stack: Stack, stripe: StripeControls, newcomer: Developer
) -> None:
    answers = stack.at_once([newcomer.prepare("POST", "/create-checkout", {}, worker=WORKER) for _ in range(6)])
    assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
    opened = {answer.json()["sessionId"] for answer in answers}
    assert opened == {checkout(newcomer)["sessionId"]}
    row = platform(stack, newcomer)
    sessions = stripe.api("GET", "checkout/sessions", None, customer=row["stripeCustomerId"])["data"]
    assert [session["id"] for session in sessions] == [row["checkoutSessionId"]]


def test_a_developer_who_has_paid_gets_the_portal_instead_of_a_second_checkout(
    stack: Stack, stripe: StripeControls, newcomer: Developer, no_deliveries: None
) -> None:
    session = stripe.pay(checkout(newcomer)["sessionId"])
    assert platform(stack, newcomer)["subscriptionId"] is None, "no event has been delivered"
    again = checkout(newcomer)
    assert again["alreadySubscribed"] is True
    assert "/p/session/" in again["url"]
    assert platform(stack, newcomer)["subscriptionId"] == session["subscription"]
    assert platform(stack, newcomer)["liveKeysUntil"] == FAR_AWAY
    assert "/p/session/" in newcomer.front_auth("POST", "/billing-portal", {}).json()["url"]


def test_an_expired_checkout_is_followed_by_a_new_one(
    stack: Stack, stripe: StripeControls, newcomer: Developer
) -> None:
    first = checkout(newcomer)
    stripe.api("POST", f"checkout/sessions/{first['sessionId']}/expire", None)
    second = checkout(newcomer)
    assert second["sessionId"] != first["sessionId"]
    assert stripe.api("GET", f"checkout/sessions/{second['sessionId']}", None)["status"] == "open"


def test_a_developer_who_never_began_to_pay_has_no_portal(newcomer: Developer) -> None:
    answer = newcomer.front_auth("POST", "/billing-portal", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_subscription")


@pytest.mark.parametrize("takes_effect", [False, True])
def test_a_checkout_that_stripe_fails_leaves_one_customer(
    stack: Stack, stripe: StripeControls, newcomer: Developer, takes_effect: bool
) -> None:
    fault = {"method": "POST", "path": "/v1/customers", "times": 9, "status": 500, "after": takes_effect}
    stripe.control("faults", fault)
    try:
        answer = newcomer.front_auth("POST", "/create-checkout", {})
    finally:
        stripe.clear("faults")
    if not takes_effect:
        assert answer.status_code == 502
        assert set(answer.json()) == {"error", "code", "message", "requestId"}
    checkout(newcomer)
    assert customers_of(stripe, platform(stack, newcomer)["platformId"]) == 1


def test_a_second_subscription_is_canceled_and_refunded(
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
    second = stripe.pay(stripe.api("POST", "checkout/sessions", None, **form)["id"])
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


@pytest.mark.parametrize("step", ["customer-created", "session-created"])
def test_a_checkout_that_dies_at_any_step_is_opened_once_by_its_retry(
    stack: InProcessStack, stripe: StripeControls, newcomer: Developer, step: str
) -> None:
    die_at(stack, WORKER, f"create-checkout:{step}", lambda: newcomer.front_auth("POST", "/create-checkout", {}))
    opened = checkout(newcomer)
    row = platform(stack, newcomer)
    sessions = stripe.api("GET", "checkout/sessions", None, customer=row["stripeCustomerId"])["data"]
    assert [session["id"] for session in sessions] == [opened["sessionId"]]
    assert customers_of(stripe, row["platformId"]) == 1


def test_a_checkout_that_stripe_no_longer_knows_is_followed_by_a_new_one(
    stack: Stack, stripe: StripeControls, newcomer: Developer
) -> None:
    first = checkout(newcomer)["sessionId"]
    stack.d1("UPDATE platforms SET checkoutSessionId = 'cs_test_unknown' WHERE clerkUserId = ?1", newcomer.user_id)
    second = checkout(newcomer)["sessionId"]
    assert second != first
    assert platform(stack, newcomer)["checkoutSessionId"] == second


def test_a_checkout_without_a_configured_price_says_that_it_is_unavailable(
    stack: InProcessStack, newcomer: Developer
) -> None:
    stack.deploy(PLATFORM_PRICE_ID="")
    answer = newcomer.front_auth("POST", "/create-checkout", {})
    assert answer.status_code == 503
    assert "PLATFORM_PRICE_ID" not in answer.text
    assert platform(stack, newcomer)["stripeCustomerId"] is None


def token_without_email(clerk: ClerkControls, developer: Developer) -> Developer:
    """The developer with a session token that names no email address."""
    token = clerk.token("developers", developer.user_id, expiresIn=3600, claims={"email": None})
    return replace(developer, token=token)


def test_the_customer_gets_the_email_address_from_clerk_if_no_token_or_event_named_it(
    stack: Stack, stripe: StripeControls, clerk: ClerkControls, newcomer: Developer
) -> None:
    checkout(token_without_email(clerk, newcomer))
    row = platform(stack, newcomer)
    customer = stripe.api("GET", f"customers/{row['stripeCustomerId']}", None)
    assert customer["email"] == row["email"] == f"{newcomer.user_id.lower()}@example.com"


def test_a_checkout_opens_without_an_email_address_if_clerk_does_not_answer(
    stack: InProcessStack, stripe: StripeControls, clerk: ClerkControls, newcomer: Developer
) -> None:
    developer = token_without_email(clerk, newcomer)
    call = developer.front_auth("GET", "/subscription")  # reads Clerk's keys before Clerk fails
    assert call.status_code == 200
    clerk.control("/faults", path="/v1/users/*", times=50, status=500)
    checkout(developer)
    clerk.clear("/faults")
    row = platform(stack, newcomer)
    assert stripe.api("GET", f"customers/{row['stripeCustomerId']}", None)["email"] is None
