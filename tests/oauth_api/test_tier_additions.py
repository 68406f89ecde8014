"""`POST /tiers/add`: a tier is added once, if calls repeat, race or die."""

from __future__ import annotations

from functools import partial

import pytest

from tests.support.in_process.stack import InProcessStack
from tests.support.killing import die_at
from tests.support.stack import Stack
from tests.support.stripe_accounts import StripeControls
from tests.support.tenants import CREATED
from tests.support.tier_editing import assert_refused, make_shop


def test_a_tier_is_added_after_the_others(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    answer = shop.add({"name": "max", "displayName": "Max", "price": 9900, "limit": "unlimited"})
    assert answer.status_code == 200, answer.text
    added = answer.json()["tier"]
    assert list(shop.tiers()) == ["free", "pro", "max"]
    price = shop.at_stripe("prices", added["priceId"])
    assert (price["unit_amount"], price["product"]) == (9900, added["productId"])
    seen = (
        stack.http("api-multi")
        .get("/api/tiers", headers={"Authorization": f"Bearer {shop.secret_key}"})
        .json()["tiers"]
    )
    assert [tier["name"] for tier in seen] == ["free", "pro", "max"]
    assert_refused(shop.add({"name": "max", "displayName": "Other", "price": 1, "limit": 1}), 409, "tier_exists")
    assert_refused(shop.add({"name": "other", "displayName": "MAX", "price": 1, "limit": 1}), 409, "tier_exists")
    fields = shop.add({"name": "x y", "price": "9"}).json()["fields"]
    assert set(fields) == {"tier.name", "tier.displayName", "tier.price", "tier.limit"}
    assert set(shop.add({}).json()["fields"]) >= {"tier.name"}


def test_a_project_has_twenty_tiers_at_most(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    tiers = [{"name": f"t{number}", "displayName": f"T {number}", "price": 0, "limit": number} for number in range(21)]
    answers = stack.at_once([shop.prepare_addition(tier) for tier in tiers])
    assert [answer.status_code for answer in answers].count(200) == 18
    assert {answer.json().get("code") for answer in answers} == {None, "too_many_tiers"}
    assert len(shop.tiers()) == 20


def test_one_of_equal_additions_at_once_wins(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    tier = {"name": "max", "displayName": "Max", "price": 9900, "limit": 1}
    answers = stack.at_once([shop.prepare_addition(tier) for _ in range(4)])
    assert [answer.status_code for answer in answers].count(200) == 1, [answer.text for answer in answers]
    assert {answer.status_code for answer in answers} <= {200, 409, 503}
    assert shop.on_sale("products") == {t["productId"] for t in shop.tiers().values() if t["productId"]}
    assert len(stripe.api("GET", "products", shop.account, limit=100)["data"]) == 2


def test_an_addition_repeated_with_its_idempotency_key_gets_the_same_answer(
    stack: Stack, stripe: StripeControls
) -> None:
    shop = make_shop(stack, stripe)
    tier = {"name": "max", "displayName": "Max", "price": 9900, "limit": 1}
    first = shop.add(tier, **{"Idempotency-Key": "add"})
    again = shop.add(tier, **{"Idempotency-Key": "add"})
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"


def test_equal_additions_at_once_with_one_idempotency_key_all_succeed(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    tier = {"name": "max", "displayName": "Max", "price": 9900, "limit": 1}
    answers = stack.at_once([shop.prepare_addition(tier, **{"Idempotency-Key": "at once"}) for _ in range(4)])
    assert {answer.status_code for answer in answers} <= {200, 503}, [answer.text for answer in answers]
    assert len(stripe.api("GET", "products", shop.account, limit=100)["data"]) == 2


ADD_STEPS = ("add-tier:opened", "add-tier:max:product", "add-tier:max:price", "add-tier:made", "tier.added:stored")


@pytest.mark.parametrize("step", ADD_STEPS)
def test_an_addition_that_dies_at_any_step_is_finished_by_its_retry(
    stack: InProcessStack, stripe: StripeControls, step: str
) -> None:
    shop = make_shop(stack, stripe)
    tier = {"name": "max", "displayName": "Max", "price": 9900, "limit": 1}
    add = partial(shop.add, tier, **{"Idempotency-Key": step})
    die_at(stack, "oauth-api", step, add)
    answer = add()
    assert answer.status_code == 200, answer.text
    stack.d1("UPDATE outbox SET nextAttemptAt = ?1", CREATED)
    stack.run_scheduled("front-auth-api")
    shop.assert_one_price_per_paid_tier()
    assert len(stripe.api("GET", "prices", shop.account, limit=100)["data"]) == 2
