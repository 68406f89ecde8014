"""`/tiers`: what holds for updates, additions and deletions alike."""

from __future__ import annotations

import pytest

from tests.support.developers import make_developer
from tests.support.stack import Stack
from tests.support.stripe_accounts import StripeControls
from tests.support.tier_editing import STORE, assert_refused, make_shop


def test_a_store_sells_no_subscriptions_and_a_saas_project_nothing_else(stack: Stack, stripe: StripeControls) -> None:
    saas, store = make_shop(stack, stripe), make_shop(stack, stripe, STORE)
    one_off = {"name": "mug", "displayName": "A mug", "price": 100, "billingMode": "one_off"}
    monthly = {"name": "sub", "displayName": "Sub", "price": 100, "limit": 1, "billingMode": "subscription"}
    assert_refused(saas.add(one_off), 409, "project_type_mismatch")
    assert_refused(store.add(monthly), 409, "project_type_mismatch")
    assert_refused(saas.update("pro", billingMode="one_off"), 409, "project_type_mismatch")
    assert set(store.update("mug", price=0, trialDays=3).json()["fields"]) == {"updates.price", "updates.trialDays"}


def test_a_tier_has_no_price_without_a_connected_account(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    assert shop.developer.post("/disconnect", {"mode": "test"}).status_code == 200
    tier = {"name": "max", "displayName": "Max", "price": 9900, "limit": 1}
    assert_refused(shop.add(tier), 409, "stripe_not_connected")
    assert_refused(shop.update("pro", price=1), 409, "stripe_not_connected")
    assert shop.add({**tier, "price": 0}).status_code == 200
    assert shop.update("pro", limit=6).status_code == 200


def test_every_change_is_in_the_audit_log_and_refusals_are_not(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    shop.update("pro", price=3900)
    shop.add({"name": "max", "displayName": "Max", "price": 0, "limit": 1})
    shop.delete("max")
    shop.delete("max")
    shop.delete("nobody")
    entries = stack.d1(
        "SELECT action, actor, details FROM audit_log WHERE publishableKey = ?1 AND action LIKE 'tier.%' ORDER BY auditId",
        shop.publishable_key,
    )
    assert [entry["action"] for entry in entries] == ["tier.updated", "tier.added", "tier.archived"]
    assert {entry["actor"] for entry in entries} == {shop.developer.user_id}
    assert '"price": 3900' in entries[0]["details"]


@pytest.mark.parametrize("key", ["", "pk_test_x", "sk_test_x"])
def test_an_invalid_publishable_key_is_named_as_the_bad_field(stack: Stack, stripe: StripeControls, key: str) -> None:
    developer = make_developer(stack, stripe)
    answer = developer.request("GET", f"/tiers?publishableKey={key}")
    assert (answer.status_code, set(answer.json()["fields"])) == (400, {"publishableKey"})
