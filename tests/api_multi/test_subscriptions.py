"""Guarantee: what an end user pays for is what the end user gets."""

from __future__ import annotations

import httpx

from tests.support.clerk_controls import ClerkControls
from tests.support.outbox import settled
from tests.support.stack import Stack
from tests.support.stripe_accounts import Saas, StripeControls, make_saas
from tests.support.subscribers import checkout, subscribe, subscription_of, usage_of

METADATA_OF = ("metadata", "subscription_data[metadata]")


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


def test_a_trial_is_given_and_entitles(stack: Stack, stripe: StripeControls, api: httpx.Client, user: str) -> None:
    tiers = [{"name": "free", "price": 0, "limit": 3}, {"name": "pro", "price": 2900, "limit": 100, "trialDays": 14}]
    project = make_saas(stack, stripe, tiers=tiers)
    subscribe(api, stripe, project, user)
    assert subscription_of(stack, user)["status"] == "trialing"
    assert usage_of(api, project, user)["plan"] == "pro"
    assert stack.d1("SELECT * FROM payments WHERE userId = ?1", user) == []


def test_yearly_money_is_shown_by_the_month(stack: Stack, stripe: StripeControls, api: httpx.Client, user: str) -> None:
    tiers = [{"name": "free", "price": 0, "limit": 3}, {"name": "pro", "price": 12000, "limit": 9, "interval": "year"}]
    project = make_saas(stack, stripe, tiers=tiers)
    subscribe(api, stripe, project, user)
    assert (subscription_of(stack, user)["amount"], subscription_of(stack, user)["monthlyAmount"]) == (12000, 1000)


def test_two_sessions_paid_in_a_race_leave_the_first_and_give_the_second_its_money_back(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    """The second session is made behind our back: ours never leaves two open ones."""
    session = checkout(api, saas, user)["sessionId"]
    customer = stripe.api("GET", f"checkout/sessions/{session}", saas.account)["customer"]
    metadata = {"publishableKey": saas.tenant.publishable_key, "userId": user}
    rival = stripe.api(
        "POST",
        "checkout/sessions",
        saas.account,
        mode="subscription",
        customer=customer,
        success_url="https://app.example",
        **{"line_items[0][price]": saas.prices["starter"], "line_items[0][quantity]": 1},
        **{f"{where}[{name}]": value for where in METADATA_OF for name, value in metadata.items()},
    )["id"]
    first = stripe.pay(session)["subscription"]
    second = stripe.pay(rival)["subscription"]
    stripe.drained()
    settled(stack, second)
    stripe.drained()
    assert (subscription_of(stack, user)["subscriptionId"], subscription_of(stack, user)["status"]) == (first, "active")
    statuses = {each: stripe.api("GET", f"subscriptions/{each}", saas.account)["status"] for each in (first, second)}
    assert statuses == {first: "active", second: "canceled"}
    payments = stack.d1("SELECT * FROM payments WHERE userId = ?1 ORDER BY amountPaid", user)
    assert [(each["amountPaid"], each["amountRefunded"]) for each in payments] == [(900, 900), (2900, 0)]


def test_the_plan_is_in_the_users_public_metadata_at_clerk(
    stack: Stack, stripe: StripeControls, clerk: ClerkControls, api: httpx.Client, saas: Saas
) -> None:
    key = saas.tenant.publishable_key
    made = clerk.make_user("endUsersTest", publicMetadata={"publishableKey": key})
    token = clerk.token("endUsersTest", made)
    proof = {"X-Publishable-Key": saas.tenant.publishable_key, "X-Clerk-Token": token}
    assert api.post("/api/data", json={}, headers=proof).status_code == 200
    subscribe(api, stripe, saas, made)
    settled(stack, made)
    headers = {"Authorization": f"Bearer {stack.state['clerkSecretKeys']['endUsersTest']}"}
    shown = stack.http("clerk").get(f"/v1/users/{made}", headers=headers).json()["public_metadata"]
    assert shown == {"publishableKey": saas.tenant.publishable_key, "plan": "pro"}


def test_a_price_that_belongs_to_no_tier_gives_no_plan(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    subscription = subscribe(api, stripe, saas, user)
    item = stripe.api("GET", f"subscriptions/{subscription}", saas.account)["items"]["data"][0]["id"]
    foreign = make_saas(stack, stripe, platform=(saas.tenant.platform_id, ""), account=saas.account)
    stripe.api(
        "POST",
        f"subscriptions/{subscription}",
        saas.account,
        **{"items[0][id]": item, "items[0][price]": foreign.prices["pro"]},
    )
    stripe.drained()
    assert (subscription_of(stack, user)["status"], subscription_of(stack, user)["plan"]) == ("active", None)
    assert usage_of(api, saas, user)["plan"] == "free"


def test_the_plan_follows_the_price_and_not_the_metadata(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    subscription = subscribe(api, stripe, saas, user, "starter")
    changes = {"metadata[plan]": "pro", "metadata[tier]": "pro", "metadata[userId]": "somebody_else"}
    stripe.api("POST", f"subscriptions/{subscription}", saas.account, **changes)
    stripe.drained()
    assert usage_of(api, saas, user)["plan"] == "starter"
    assert usage_of(api, saas, "somebody_else")["plan"] == "free"


def test_a_customer_who_was_deleted_at_stripe_is_created_again(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    subscribe(api, stripe, saas, user)
    gone = subscription_of(stack, user)["stripeCustomerId"]
    stripe.api("DELETE", f"customers/{gone}", saas.account)
    stripe.drained()
    assert usage_of(api, saas, user)["plan"] == "free"
    subscribe(api, stripe, saas, user, "starter")
    assert subscription_of(stack, user)["stripeCustomerId"] != gone
    assert usage_of(api, saas, user)["plan"] == "starter"


def test_an_unpaid_renewal_keeps_the_plan_for_its_grace_time_only(
    stack: Stack, stripe: StripeControls, api: httpx.Client, user: str
) -> None:
    project = make_saas(stack, stripe)
    subscription = subscribe(api, stripe, project, user)
    stripe.control(f"payment-methods/{subscription}/behaviour", {"decline": "insufficient_funds"})
    try:
        stripe.control("clock", {"advanceSeconds": 32 * 24 * 3600})
        stripe.drained()
        assert subscription_of(stack, user)["status"] == "past_due"
        assert usage_of(api, project, user)["plan"] == "pro"
        stack.d1("UPDATE subscriptions SET pastDueSince = '2026-01-01T00:00:00.000Z' WHERE userId = ?1", user)
        assert usage_of(api, project, user)["plan"] == "free"
        stripe.control(f"payment-methods/{subscription}/behaviour", {"decline": None})
        stripe.control("clock", {"advanceSeconds": 4 * 24 * 3600})
        stripe.drained()
        assert (subscription_of(stack, user)["status"], subscription_of(stack, user)["pastDueSince"]) == (
            "active",
            None,
        )
        assert usage_of(api, project, user)["plan"] == "pro"
        paid = stack.d1("SELECT amountPaid FROM payments WHERE userId = ?1", user)
        assert [each["amountPaid"] for each in paid] == [2900, 2900]
    finally:
        stripe.control("clock", {"reset": True})
