"""Subscribing, changing, cancelling: what an end user pays for is what the end user gets. In workerd, against the local Stripe."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from devstack.stack.stack import Stack
from tests.support.outbox import settled
from tests.support.stripe_accounts import Saas, StripeControls, make_account, make_saas
from tests.support.tenants import make_platform, make_tenant

RETURN_URL = "https://app.example/billing"
METADATA_OF = ("metadata", "subscription_data[metadata]")

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


def test_a_subscriber_gets_the_portal_and_never_a_second_subscription(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    subscription = subscribe(api, stripe, saas, user, "starter")
    change = checkout(api, saas, user, "pro")
    same = checkout(api, saas, user, "starter")
    for answer in (change, same):
        assert (answer["kind"], answer["sessionId"]) == ("portal", None)
        assert "/p/session/" in answer["url"]
    press(change["url"])
    stripe.drained()
    assert (row(stack, user)["subscriptionId"], row(stack, user)["plan"]) == (subscription, "pro")
    assert usage(api, saas, user)["limit"] == 100
    live = stripe.api("GET", "subscriptions", saas.account, customer=row(stack, user)["stripeCustomerId"])["data"]
    assert [each["id"] for each in live] == [subscription]


def portal(api: httpx.Client, saas: Saas, user: str) -> str:
    answer = api.post("/api/customer-portal", json={"returnUrl": RETURN_URL}, headers=saas.tenant.headers(user))
    assert answer.status_code == 200, answer.text
    return answer.json()["url"]


def press(url: str) -> None:
    """The subscriber opens a page of the portal, and presses its button."""
    with httpx.Client(follow_redirects=True, timeout=30) as browser:
        page = browser.get(url)
        assert page.is_success, page.text
        done = browser.post(str(page.url), data={}, follow_redirects=False)
        assert done.status_code == 303, done.text


def test_switch_cancel_undo_and_end_in_the_portal_show_at_once(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    subscription = subscribe(api, stripe, saas, user, "starter")
    page = f"{portal(api, saas, user)}/subscriptions/{subscription}"
    press(f"{page}/update/{saas.prices['pro']}")
    stripe.drained()
    assert (usage(api, saas, user)["plan"], row(stack, user)["amount"]) == ("pro", 2900)
    press(f"{page}/cancel")
    stripe.drained()
    canceled = row(stack, user)
    assert (canceled["status"], canceled["cancelAt"]) == ("active", canceled["currentPeriodEnd"])
    assert usage(api, saas, user)["plan"] == "pro"
    press(f"{page}/renew")
    stripe.drained()
    assert row(stack, user)["cancelAt"] is None
    stripe.api("DELETE", f"subscriptions/{subscription}", saas.account)
    stripe.drained()
    assert row(stack, user)["endedAt"] is not None
    assert usage(api, saas, user)["plan"] == "free"
    again = subscribe(api, stripe, saas, user, "starter")
    assert again != subscription
    assert (row(stack, user)["subscriptionId"], usage(api, saas, user)["plan"]) == (again, "starter")


def test_the_portal_offers_the_projects_own_prices_and_follows_its_tiers(
    stack: Stack, stripe: StripeControls, api: httpx.Client, user: str
) -> None:
    platform = make_platform(stack)
    account = make_account(stack, stripe, platform[0])
    one, two = (make_saas(stack, stripe, platform=platform, account=account) for _ in range(2))
    for project in (one, two):
        subscribe(api, stripe, project, user, "starter")
        portal(api, project, user)
    kept = stack.d1("SELECT * FROM portal_configurations WHERE account = ?1", account)
    assert len({each["configurationId"] for each in kept}) == 2

    def offered(project: Saas) -> set[str]:
        mine = next(each for each in kept if each["publishableKey"] == project.tenant.publishable_key)
        made = stripe.api("GET", f"billing_portal/configurations/{mine['configurationId']}", account)
        return {price for each in made["features"]["subscription_update"]["products"] for price in each["prices"]}

    assert offered(one) == set(one.prices.values())
    key = one.tenant.publishable_key
    stack.d1("UPDATE tiers SET archivedAt = createdAt WHERE publishableKey = ?1 AND name = 'starter'", key)
    portal(api, one, user)
    assert offered(one) == {one.prices["pro"]}
    assert offered(two) == set(two.prices.values())


def test_without_a_customer_there_is_no_portal(api: httpx.Client, saas: Saas, user: str) -> None:
    answer = api.post("/api/customer-portal", headers=saas.tenant.headers(user))
    assert (answer.status_code, answer.json()["code"]) == (409, "no_subscription")
    bad = api.post("/api/customer-portal", json={"returnUrl": "//evil"}, headers=saas.tenant.headers(user))
    assert (bad.status_code, set(bad.json()["fields"])) == (400, {"returnUrl"})


def test_what_can_not_be_bought_is_refused(stack: Stack, api: httpx.Client, saas: Saas, user: str) -> None:
    headers = saas.tenant.headers(user)

    def refused(body: dict[str, Any], project: Saas | None = None) -> tuple[int, str]:
        chosen = headers if project is None else project.tenant.headers(user)
        answer = api.post("/api/create-checkout", json=body, headers=chosen)
        return answer.status_code, answer.json()["code"]

    assert refused({"tier": "gold"}) == (400, "unknown_plan")
    assert refused({"tier": "free"}) == (422, "free_tier")
    assert refused({"tier": "pro", "priceId": saas.prices["starter"]}) == (400, "wrong_price")
    bad = {"tier": 1, "priceId": 2, "successUrl": "javascript:alert(1)", "cancelUrl": "/relative"}
    answer = api.post("/api/create-checkout", json=bad, headers=headers)
    assert (answer.status_code, set(answer.json()["fields"])) == (400, set(bad))
    lonely = Saas(make_tenant(stack), "", {}, {})
    assert refused({"tier": "pro"}, lonely) == (409, "stripe_not_connected")
    store = Saas(make_tenant(stack, project_type="store", tiers=[{"name": "mug", "price": 500}]), "", {}, {})
    assert refused({"tier": "mug"}, store) == (409, "wrong_project_type")


def test_a_disconnected_account_sells_nothing(
    stack: Stack, stripe: StripeControls, api: httpx.Client, user: str
) -> None:
    project = make_saas(stack, stripe)
    stripe.control("webhooks/rules", {"drop": True})
    stripe.control(f"accounts/{project.account}/disconnect", {"mode": "test"})
    stripe.clear("webhooks/rules")
    answer = api.post("/api/create-checkout", json={"tier": "pro"}, headers=project.tenant.headers(user))
    assert (answer.status_code, answer.json()["code"]) == (409, "stripe_not_connected")


def test_a_new_checkout_replaces_the_open_one(stripe: StripeControls, api: httpx.Client, saas: Saas, user: str) -> None:
    sessions = [checkout(api, saas, user, tier)["sessionId"] for tier in ("starter", "pro", "pro")]
    statuses = [stripe.api("GET", f"checkout/sessions/{each}", saas.account)["status"] for each in sessions]
    assert statuses == ["expired", "expired", "open"]


def test_checkouts_at_once_end_with_one_that_can_be_paid(
    stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    def ask(number: int) -> httpx.Response:
        body = {"tier": ("starter", "pro")[number % 2]}
        return api.post("/api/create-checkout", json=body, headers=saas.tenant.headers(user))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert any(answer.is_success for answer in answers)
    made = stripe.api("GET", "checkout/sessions", saas.account, limit=100)["data"]
    mine = [each for each in made if each["client_reference_id"] == user]
    assert [each["status"] for each in mine].count("open") == 1
    assert len({each["customer"] for each in mine}) == 1


def test_a_checkout_is_found_again_after_a_crash(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    checkpoints = f"{stack.url('api-multi')}/_devstack/checkpoints"
    for step in ("customer-created", "session-created"):
        httpx.post(checkpoints, json={"armed": {f"create-checkout:{step}": "fail"}})
        died = api.post("/api/create-checkout", json={"tier": "pro"}, headers=saas.tenant.headers(user))
        assert died.status_code == 500
    httpx.post(checkpoints, json={"armed": {}})
    opened = checkout(api, saas, user)["sessionId"]
    made = stripe.api("GET", "checkout/sessions", saas.account, limit=100)["data"]
    assert [each["id"] for each in made if each["client_reference_id"] == user] == [opened]


def test_an_idempotency_key_repeats_the_answer(api: httpx.Client, saas: Saas, user: str) -> None:
    headers = saas.tenant.headers(user, **{"Idempotency-Key": user})
    first, again = (api.post("/api/create-checkout", json={"tier": "pro"}, headers=headers) for _ in range(2))
    assert again.json() == first.json()
    other = api.post("/api/create-checkout", json={"tier": "starter"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


def test_a_trial_is_given_and_entitles(stack: Stack, stripe: StripeControls, api: httpx.Client, user: str) -> None:
    tiers = [{"name": "free", "price": 0, "limit": 3}, {"name": "pro", "price": 2900, "limit": 100, "trialDays": 14}]
    project = make_saas(stack, stripe, tiers=tiers)
    subscribe(api, stripe, project, user)
    assert row(stack, user)["status"] == "trialing"
    assert usage(api, project, user)["plan"] == "pro"
    assert stack.d1("SELECT * FROM payments WHERE userId = ?1", user) == []


def test_yearly_money_is_shown_by_the_month(stack: Stack, stripe: StripeControls, api: httpx.Client, user: str) -> None:
    tiers = [{"name": "free", "price": 0, "limit": 3}, {"name": "pro", "price": 12000, "limit": 9, "interval": "year"}]
    project = make_saas(stack, stripe, tiers=tiers)
    subscribe(api, stripe, project, user)
    assert (row(stack, user)["amount"], row(stack, user)["monthlyAmount"]) == (12000, 1000)


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
    assert (row(stack, user)["subscriptionId"], row(stack, user)["status"]) == (first, "active")
    statuses = {each: stripe.api("GET", f"subscriptions/{each}", saas.account)["status"] for each in (first, second)}
    assert statuses == {first: "active", second: "canceled"}
    payments = stack.d1("SELECT * FROM payments WHERE userId = ?1 ORDER BY amountPaid", user)
    assert [(each["amountPaid"], each["amountRefunded"]) for each in payments] == [(900, 900), (2900, 0)]


def test_clerk_shows_the_plan(stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas) -> None:
    clerk = stack.url("clerk")
    made = httpx.post(
        f"{clerk}/_devstack/users",
        json={
            "instance": "endUsersTest",
            "email": "shown@example.com",
            "publicMetadata": {"publishableKey": saas.tenant.publishable_key},
        },
    ).json()["id"]
    minted = httpx.post(f"{clerk}/_devstack/tokens", json={"instance": "endUsersTest", "userId": made}).json()
    proof = {"X-Publishable-Key": saas.tenant.publishable_key, "X-Clerk-Token": minted["token"]}
    assert api.post("/api/data", json={}, headers=proof).status_code == 200
    subscribe(api, stripe, saas, made)
    settled(stack, made)
    headers = {"Authorization": f"Bearer {stack.state['clerkSecretKeys']['endUsersTest']}"}
    shown = httpx.get(f"{clerk}/v1/users/{made}", headers=headers).json()["public_metadata"]
    assert shown == {"publishableKey": saas.tenant.publishable_key, "plan": "pro"}


def test_a_price_of_no_tier_entitles_nothing(
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
    assert (row(stack, user)["status"], row(stack, user)["plan"]) == ("active", None)
    assert usage(api, saas, user)["plan"] == "free"


def test_the_plan_follows_the_price_and_not_the_metadata(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    subscription = subscribe(api, stripe, saas, user, "starter")
    changes = {"metadata[plan]": "pro", "metadata[tier]": "pro", "metadata[userId]": "somebody_else"}
    stripe.api("POST", f"subscriptions/{subscription}", saas.account, **changes)
    stripe.drained()
    assert usage(api, saas, user)["plan"] == "starter"
    assert usage(api, saas, "somebody_else")["plan"] == "free"


def test_round_trips_of_checkout_and_portal_are_bounded(
    stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    first = api.post("/api/create-checkout", json={"tier": "pro"}, headers=saas.tenant.headers(user))
    assert trips(first) == {"d1": 3, "fetches": 2}
    stripe.pay(first.json()["sessionId"])
    stripe.drained()
    portal(api, saas, user)
    warm = api.post("/api/customer-portal", headers=saas.tenant.headers(user))
    assert trips(warm) == {"d1": 1, "fetches": 1}


def trips(answer: httpx.Response) -> dict[str, int]:
    counted = dict(pair.split("=") for pair in answer.headers["X-Round-Trips"].split(","))
    return {name: int(counted[name]) for name in ("d1", "fetches")}


def test_a_customer_who_was_deleted_at_stripe_is_made_anew(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    subscribe(api, stripe, saas, user)
    gone = row(stack, user)["stripeCustomerId"]
    stripe.api("DELETE", f"customers/{gone}", saas.account)
    stripe.drained()
    assert usage(api, saas, user)["plan"] == "free"
    subscribe(api, stripe, saas, user, "starter")
    assert row(stack, user)["stripeCustomerId"] != gone
    assert usage(api, saas, user)["plan"] == "starter"


def test_an_unpaid_renewal_keeps_the_plan_for_its_grace_time_only(
    stack: Stack, stripe: StripeControls, api: httpx.Client, user: str
) -> None:
    project = make_saas(stack, stripe)
    subscription = subscribe(api, stripe, project, user)
    stripe.control(f"payment-methods/{subscription}/behaviour", {"decline": "insufficient_funds"})
    try:
        stripe.control("clock", {"advanceSeconds": 32 * 24 * 3600})
        stripe.drained()
        assert row(stack, user)["status"] == "past_due"
        assert usage(api, project, user)["plan"] == "pro"
        stack.d1("UPDATE subscriptions SET pastDueSince = '2026-01-01T00:00:00.000Z' WHERE userId = ?1", user)
        assert usage(api, project, user)["plan"] == "free"
        stripe.control(f"payment-methods/{subscription}/behaviour", {"decline": None})
        stripe.control("clock", {"advanceSeconds": 4 * 24 * 3600})
        stripe.drained()
        assert (row(stack, user)["status"], row(stack, user)["pastDueSince"]) == ("active", None)
        assert usage(api, project, user)["plan"] == "pro"
        paid = stack.d1("SELECT amountPaid FROM payments WHERE userId = ?1", user)
        assert [each["amountPaid"] for each in paid] == [2900, 2900]
    finally:
        stripe.control("clock", {"reset": True})
