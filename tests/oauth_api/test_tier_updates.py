"""`PUT /tiers`: a tier changes in D1 and at Stripe, alone and at the same time as others."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.support.in_process.stack import InProcessStack
from tests.support.killing import die_at
from tests.support.stack import Stack
from tests.support.stripe_accounts import StripeControls
from tests.support.tenants import CREATED
from tests.support.tier_editing import STORE, assert_refused, make_shop


def test_a_named_field_changes_and_the_rest_stays(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    before = shop.tiers()["pro"]
    answer = shop.update("pro", limit="unlimited", features=["A", "B"], popular=True, displayName="Professional")
    assert answer.status_code == 200, answer.text
    assert answer.json()["success"] is True
    assert answer.json()["tierName"] == "pro"
    after = shop.tiers()["pro"]
    assert after == {
        **before,
        "limit": "unlimited",
        "features": ["A", "B"],
        "popular": True,
        "displayName": "Professional",
    }
    assert shop.at_stripe("products", after["productId"])["name"] == "Professional"
    assert shop.update("Professional", limit=7).status_code == 200  # a display name is accepted too
    assert shop.tiers()["pro"]["limit"] == 7


def test_a_new_price_replaces_the_old_one_and_subscribers_keep_theirs(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    old = shop.tiers()["pro"]
    assert shop.update("pro", price=3900).status_code == 200
    new = shop.tiers()["pro"]
    assert new["price"] == 3900
    assert new["productId"] == old["productId"]
    assert new["priceId"] != old["priceId"]
    assert shop.at_stripe("prices", new["priceId"])["unit_amount"] == 3900
    assert shop.on_sale("prices") == {new["priceId"]}
    known = stack.d1("SELECT priceId, tierName FROM tier_prices WHERE publishableKey = ?1", shop.publishable_key)
    assert {(row["priceId"], row["tierName"]) for row in known} == {(old["priceId"], "pro"), (new["priceId"], "pro")}

    assert shop.update("pro", price=3900).status_code == 200  # the same again changes nothing
    assert shop.tiers()["pro"] == new
    assert shop.update("pro", price=2900).status_code == 200  # back, at a third price
    assert shop.on_sale("prices") == {shop.tiers()["pro"]["priceId"]}
    assert len(stripe.api("GET", "prices", shop.account, limit=100)["data"]) == 3


def test_a_free_tier_may_get_a_price_and_lose_it_again(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    assert shop.update("free", price=500).status_code == 200
    paid = shop.tiers()["free"]
    assert shop.at_stripe("prices", paid["priceId"])["unit_amount"] == 500
    assert shop.at_stripe("products", paid["productId"])["metadata"]["tierName"] == "free"
    assert shop.update("free", price=0).status_code == 200
    assert shop.tiers()["free"]["priceId"] is None
    assert paid["priceId"] not in shop.on_sale("prices")


def test_one_answer_names_every_bad_field(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    answer = shop.update("pro", price=1.5, limit=-1, displayName="", popular=1, name="other")
    assert set(answer.json()["fields"]) == {
        f"updates.{name}" for name in ("price", "limit", "displayName", "popular", "name")
    }
    assert_refused(shop.update("pro"), 400, "invalid_fields")
    assert_refused(shop.update("nobody", limit=1), 404, "unknown_tier")
    assert_refused(shop.update("pro", displayName="Free"), 409, "tier_exists")
    body = shop.developer.request("PUT", "/tiers", {}).json()
    assert set(body["fields"]) == {"publishableKey", "tierName"}


def test_changes_of_different_fields_at_once_all_stay(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    changes: list[dict[str, Any]] = [
        {"limit": 77},
        {"popular": True},
        {"trialDays": 9},
        {"features": ["x"]},
        {"price": 4100},
        {"price": 4200},
        {"price": 4300},
    ]
    answers = stack.at_once([shop.prepare_update("pro", **updates) for updates in changes])
    assert [answer.status_code for answer in answers] == [200] * len(changes)
    tier = shop.tiers()["pro"]
    assert (tier["limit"], tier["popular"], tier["trialDays"], tier["features"]) == (77, True, 9, ["x"])
    assert shop.at_stripe("prices", tier["priceId"])["unit_amount"] == tier["price"]
    assert shop.on_sale("prices") == {tier["priceId"]}
    assert len(shop.on_sale("products")) == 1


def test_a_free_tier_that_gets_two_prices_at_once_has_one_product(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    stack.at_once([shop.prepare_update("free", price=price) for price in (700, 800)])
    tiers = shop.tiers()
    assert shop.on_sale("products") == {tier["productId"] for tier in tiers.values()}
    assert shop.on_sale("prices") == {tier["priceId"] for tier in tiers.values()}


def test_inventory_can_be_set_and_a_tier_without_stock_is_sold_out(stack: Stack, stripe: StripeControls) -> None:
    store = make_shop(stack, stripe, STORE)
    assert store.update("mug", inventory=0).status_code == 200
    assert store.tiers()["mug"]["soldOut"] is True
    assert store.update("mug", inventory=None).status_code == 200
    assert (store.tiers()["mug"]["inventory"], store.tiers()["mug"]["soldOut"]) == (None, False)


def test_a_change_that_stripe_fails_is_tried_again_by_the_schedule(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    product_id = shop.tiers()["pro"]["productId"]
    stripe.control("faults", {"method": "POST", "path": f"/v1/products/{product_id}", "times": 50, "status": 500})
    try:
        assert shop.update("pro", displayName="Renamed").status_code == 200
        failed = (
            "SELECT attempts FROM outbox WHERE kind = 'describe_product' AND subject = ?1 AND lastError IS NOT NULL"
        )
        assert stack.d1(failed, product_id)
    finally:
        stripe.clear("faults")
    assert shop.at_stripe("products", product_id)["name"] == "Pro"
    stack.d1("UPDATE outbox SET nextAttemptAt = ?1 WHERE subject = ?2", CREATED, product_id)
    stack.run_scheduled("front-auth-api")
    assert shop.at_stripe("products", product_id)["name"] == "Renamed"


UPDATE_STEPS = ("update-tier:opened", "update-tier:pro:price", "update-tier:made", "tier.updated:stored")


@pytest.mark.parametrize("step", UPDATE_STEPS)
def test_an_update_that_dies_at_any_step_is_finished_by_its_retry(
    stack: InProcessStack, stripe: StripeControls, step: str
) -> None:
    shop = make_shop(stack, stripe)
    die_at(stack, "oauth-api", step, partial(shop.update, "pro", price=3900))
    assert shop.update("pro", price=3900).status_code == 200
    stack.d1("UPDATE outbox SET nextAttemptAt = ?1", CREATED)
    stack.run_scheduled("front-auth-api")
    shop.assert_one_price_per_paid_tier()
    assert len(stripe.api("GET", "prices", shop.account, limit=100)["data"]) == 2
