"""Guarantee: what a subscriber changes in the billing portal shows at once, and there is never a second subscription."""

from __future__ import annotations

import httpx

from tests.support.billing_portal import press
from tests.support.stack import Stack
from tests.support.stripe_accounts import Saas, StripeControls, make_account, make_saas
from tests.support.subscribers import checkout, portal_url, subscribe, subscription_of, usage_of
from tests.support.tenants import make_platform


def test_a_subscriber_gets_the_portal_and_never_a_second_subscription(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    subscription = subscribe(api, stripe, saas, user, "starter")
    change = checkout(api, saas, user, "pro")
    same = checkout(api, saas, user, "starter")
    for answer in (change, same):
        assert (answer["kind"], answer["sessionId"]) == ("portal", None)
        assert "/p/session/" in answer["url"]
    press(stack, change["url"])
    stripe.drained()
    assert (subscription_of(stack, user)["subscriptionId"], subscription_of(stack, user)["plan"]) == (
        subscription,
        "pro",
    )
    assert usage_of(api, saas, user)["limit"] == 100
    live = stripe.api("GET", "subscriptions", saas.account, customer=subscription_of(stack, user)["stripeCustomerId"])[
        "data"
    ]
    assert [each["id"] for each in live] == [subscription]


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


def test_the_portal_offers_the_projects_own_prices_and_follows_its_tiers(
    stack: Stack, stripe: StripeControls, api: httpx.Client, user: str
) -> None:
    platform = make_platform(stack)
    account = make_account(stack, stripe, platform[0])
    one, two = (make_saas(stack, stripe, platform=platform, account=account) for _ in range(2))
    for project in (one, two):
        subscribe(api, stripe, project, user, "starter")
        portal_url(api, project, user)
    configurations = stack.d1("SELECT * FROM portal_configurations WHERE account = ?1", account)
    assert len({each["configurationId"] for each in configurations}) == 2

    def offered(project: Saas) -> set[str]:
        mine = next(each for each in configurations if each["publishableKey"] == project.tenant.publishable_key)
        made = stripe.api("GET", f"billing_portal/configurations/{mine['configurationId']}", account)
        return {price for each in made["features"]["subscription_update"]["products"] for price in each["prices"]}

    assert offered(one) == set(one.prices.values())
    key = one.tenant.publishable_key
    stack.d1("UPDATE tiers SET archivedAt = createdAt WHERE publishableKey = ?1 AND name = 'starter'", key)
    portal_url(api, one, user)
    assert offered(one) == {one.prices["pro"]}
    assert offered(two) == set(two.prices.values())


def test_without_a_customer_there_is_no_portal(api: httpx.Client, saas: Saas, user: str) -> None:
    answer = api.post("/api/customer-portal", headers=saas.tenant.headers(user))
    assert (answer.status_code, answer.json()["code"]) == (409, "no_subscription")
    bad = api.post("/api/customer-portal", json={"returnUrl": "//evil"}, headers=saas.tenant.headers(user))
    assert (bad.status_code, set(bad.json()["fields"])) == (400, {"returnUrl"})
