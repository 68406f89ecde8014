"""Developers' calls at the same time, on the real D1. The same races run in process in tests/front_auth_api and tests/oauth_api."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import Any

import pytest

from devstack.stack.stack import Stack
from dream.domain import keys
from tests.support.created_projects import SAAS, assert_one_project
from tests.support.developers import Developer, make_developer
from tests.support.platform_events import PlatformEvents, user_data
from tests.support.platform_subscriptions import PAID, pay_without_deliveries, payment_state, platform
from tests.support.promotions import assert_live_equals_test, make_project, promote
from tests.support.stripe_accounts import StripeControls
from tests.support.tier_editing import Shop, make_shop
from tests.support.waiting import eventually

FRONT_AUTH = "front-auth-api"
MAX = {"name": "max", "displayName": "Max", "price": 9900, "limit": 1}


@pytest.fixture
def newcomer(stack: Stack, stripe: StripeControls) -> Developer:
    """A developer who signed up just now. D1 has no platform of theirs."""
    return make_developer(stack, stripe, platform=False)


@pytest.fixture
def shop(stack: Stack, stripe: StripeControls) -> Shop:
    """A project with a free and a paid tier."""
    return make_shop(stack, stripe)


@pytest.fixture
def no_deliveries(stripe: StripeControls) -> Iterator[None]:
    """Stripe delivers nothing by itself: the test delivers by hand."""
    stripe.drained()
    stripe.control("webhooks/rules", {"drop": True})
    yield
    stripe.clear("webhooks/rules")


def statuses(answers: list[Any]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


def test_a_developer_has_one_platform_id_even_if_many_calls_ask_at_once(stack: Stack, newcomer: Developer) -> None:
    calls = [("POST", "/generate-platform-id"), ("POST", "/generate-credentials"), ("GET", "/get-platform-id")] * 4
    answers = stack.at_once([newcomer.prepare(*call, worker=FRONT_AUTH) for call in calls])
    assert set(statuses(answers)) == {200}
    assert {answer.json()["platformId"] for answer in answers} == {platform(stack, newcomer)["platformId"]}


def test_the_count_never_passes_the_allowance(stack: Stack, newcomer: Developer) -> None:
    answers = stack.at_once([newcomer.prepare("POST", "/verify-auth", {}, worker=FRONT_AUTH) for _ in range(12)])
    assert statuses(answers) == [200] * 5 + [403] * 7
    counts = [answer.json()["usage"]["usageCount"] for answer in answers if answer.status_code == 200]
    assert sorted(counts) == [1, 2, 3, 4, 5]


def test_requests_for_a_checkout_at_once_open_one_checkout_of_one_customer(
    stack: Stack, stripe: StripeControls, newcomer: Developer
) -> None:
    answers = stack.at_once([newcomer.prepare("POST", "/create-checkout", {}, worker=FRONT_AUTH) for _ in range(6)])
    assert set(statuses(answers)) == {200}, [answer.text for answer in answers]
    row = platform(stack, newcomer)
    assert {answer.json()["sessionId"] for answer in answers} == {row["checkoutSessionId"]}
    sessions = stripe.api("GET", "checkout/sessions", None, customer=row["stripeCustomerId"])["data"]
    assert [session["id"] for session in sessions] == [row["checkoutSessionId"]]


def test_stripe_events_repeated_shuffled_and_at_once_are_handled_once(
    stack: Stack, stripe: StripeControls, newcomer: Developer, no_deliveries: None
) -> None:
    events = PlatformEvents(stack, stripe)
    deliveries = pay_without_deliveries(stripe, events, newcomer) * 3
    random.Random(7).shuffle(deliveries)
    assert set(statuses(stack.at_once([events.delivery_of(event) for event in deliveries]))) == {200}
    assert payment_state(stack, newcomer) == PAID


def test_clerk_events_repeated_shuffled_and_at_once_leave_the_newest_state(
    stack: Stack, stripe: StripeControls
) -> None:
    events, user_id = PlatformEvents(stack, stripe), keys.make_id("user", os.urandom)
    messages = [
        (f"msg_{user_id}_{updated}", kind, user_data(user_id, f"{updated}@example.com", updated))
        for kind, updated in (("user.created", 1_000), ("user.updated", 2_000), ("user.updated", 3_000))
    ] * 3
    random.Random(5).shuffle(messages)
    assert set(statuses(stack.at_once([events.message_of(*message) for message in messages]))) == {200}
    assert stack.d1("SELECT email FROM platforms WHERE clerkUserId = ?1", user_id) == [{"email": "3000@example.com"}]


def test_equal_calls_at_once_create_one_project_and_show_the_same_keys(stack: Stack, stripe: StripeControls) -> None:
    developer = make_developer(stack, stripe)
    answers = stack.at_once([developer.prepare("POST", "/create-products", SAAS) for _ in range(6)])
    created = [answer.json() for answer in answers if answer.status_code == 200]
    assert created, [answer.text for answer in answers]
    assert set(statuses(answers)) <= {200, 503}
    assert len({(each["publishableKey"], each["secretKey"]) for each in created}) == 1
    assert_one_project(developer, stripe, SAAS)


def test_promotions_at_once_make_one_live_project(stack: Stack, stripe: StripeControls) -> None:
    developer, test_key = make_project(stack, stripe)
    wanted = {"publishableKey": test_key}
    answers = stack.at_once([developer.prepare("POST", "/promote-to-live", wanted) for _ in range(5)])
    assert set(statuses(answers)) <= {200, 503}, [answer.text for answer in answers]
    promoted = [answer.json() for answer in answers if answer.status_code == 200]
    assert len({each["publishableKey"] for each in promoted}) == 1
    assert len([each for each in promoted if "secretKey" in each]) == 1
    assert promote(developer, test_key).status_code == 200
    assert_live_equals_test(developer, stripe, test_key)


def test_changes_of_different_fields_at_once_all_stay(stack: Stack, shop: Shop) -> None:
    changes: list[dict[str, Any]] = [
        {"limit": 77},
        {"popular": True},
        {"features": ["x"]},
        {"price": 41},
        {"price": 42},
    ]
    assert statuses(stack.at_once([shop.prepare_update("pro", **change) for change in changes])) == [200] * 5
    tier = shop.tiers()["pro"]
    assert (tier["limit"], tier["popular"], tier["features"]) == (77, True, ["x"])
    assert shop.at_stripe("prices", tier["priceId"])["unit_amount"] == tier["price"]
    eventually(lambda: shop.on_sale("prices") == {tier["priceId"]})


def test_a_project_has_twenty_tiers_at_most(stack: Stack, shop: Shop) -> None:
    tiers = [{"name": f"t{number}", "displayName": f"T {number}", "price": 0, "limit": number} for number in range(21)]
    answers = stack.at_once([shop.prepare_addition(tier) for tier in tiers])
    assert statuses(answers).count(200) == 18
    assert {answer.json().get("code") for answer in answers} == {None, "too_many_tiers"}
    assert len(shop.tiers()) == 20


def test_one_of_equal_additions_at_once_wins(stack: Stack, stripe: StripeControls, shop: Shop) -> None:
    answers = stack.at_once([shop.prepare_addition(MAX) for _ in range(4)])
    assert statuses(answers).count(200) == 1, [answer.text for answer in answers]
    assert set(statuses(answers)) <= {200, 409, 503}
    eventually(lambda: shop.on_sale("products") == {t["productId"] for t in shop.tiers().values() if t["productId"]})
    assert len(stripe.api("GET", "products", shop.account, limit=100)["data"]) == 2


def test_a_saas_project_keeps_its_last_tier_even_if_two_deletions_race(stack: Stack, shop: Shop) -> None:
    answers = stack.at_once([shop.prepare_deletion(tier) for tier in ("free", "pro")])
    assert statuses(answers) == [200, 409]
    assert {answer.json().get("code") for answer in answers} == {None, "last_tier"}
    assert len(shop.tiers()) == 1
