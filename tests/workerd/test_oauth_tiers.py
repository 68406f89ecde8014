"""`/tiers`: editing what a project sells, in D1 and at Stripe, alone and several at once. In workerd."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest

from devstack.stack.stack import Stack
from tests.support.developers import Developer, make_developer
from tests.support.killing import kill_during
from tests.support.stripe_accounts import StripeControls
from tests.support.tenants import CREATED
from tests.support.waiting import eventually

SAAS: Mapping[str, Any] = {
    "mode": "test",
    "projectName": "Notes",
    "projectType": "saas",
    "tiers": [
        {"name": "free", "displayName": "Free", "price": 0, "limit": 100},
        {"name": "pro", "displayName": "Pro", "price": 2900, "limit": 5000, "description": "For teams"},
    ],
}
STORE: Mapping[str, Any] = {
    "mode": "test",
    "projectName": "Mugs",
    "projectType": "store",
    "tiers": [{"name": "mug", "displayName": "Mug", "price": 1200, "inventory": 5}],
}


@dataclass(frozen=True)
class Shop:
    """A developer's project."""

    developer: Developer
    stripe: StripeControls
    publishable_key: str
    secret_key: str

    @property
    def account(self) -> str:
        return self.developer.accounts["test"]

    def tiers(self) -> dict[str, dict[str, Any]]:
        answer = self.developer.request("GET", f"/tiers?publishableKey={self.publishable_key}")
        assert answer.status_code == 200, answer.text
        return {tier["name"]: tier for tier in answer.json()["tiers"]}

    def update(self, tier: str, **updates: Any) -> httpx.Response:
        body = {"publishableKey": self.publishable_key, "tierName": tier, "updates": updates}
        return self.developer.request("PUT", "/tiers", body)

    def add(self, tier: Mapping[str, Any], **headers: str) -> httpx.Response:
        return self.developer.post("/tiers/add", {"publishableKey": self.publishable_key, "tier": tier}, **headers)

    def delete(self, tier: str, **more: Any) -> httpx.Response:
        body = {"publishableKey": self.publishable_key, "tierName": tier, **more}
        return self.developer.request("DELETE", "/tiers", body)

    def at_stripe(self, kind: str, object_id: str) -> dict[str, Any]:
        return self.stripe.api("GET", f"{kind}/{object_id}", self.account)

    def on_sale(self, kind: str) -> set[str]:
        return {each["id"] for each in self.stripe.api("GET", kind, self.account, limit=100, active="true")["data"]}

    def subscribe(self, tier: str, user: str = "user_buyer") -> None:
        """Somebody subscribes, as the webhook would note it."""
        self.developer.stack.d1(
            "INSERT INTO subscriptions (publishableKey, userId, subscriptionId, stripeCustomerId, status, plan, priceId, amount,"
            " currency, currentPeriodStart, currentPeriodEnd, createdAt, updatedAt)"
            " VALUES (?1, ?2, 'sub_' || ?1 || ?2, 'cus_1', 'active', ?3, 'price_1', 2900, 'usd', ?4, ?5, ?4, ?4)",
            self.publishable_key,
            user,
            tier,
            CREATED,
            "2099-01-01T00:00:00.000Z",
        )


def make_shop(stack: Stack, stripe: StripeControls, body: Mapping[str, Any] = SAAS) -> Shop:
    developer = make_developer(stack, stripe)
    made = developer.post("/create-products", body).json()
    return Shop(developer, stripe, made["publishableKey"], made["secretKey"])


def assert_refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text


def test_what_is_named_changes_and_the_rest_stays(stack: Stack, stripe: StripeControls) -> None:
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
    eventually(lambda: shop.at_stripe("products", after["productId"])["name"] == "Professional")
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
    eventually(lambda: shop.on_sale("prices") == {new["priceId"]})
    known = stack.d1("SELECT priceId, tierName FROM tier_prices WHERE publishableKey = ?1", shop.publishable_key)
    assert {(row["priceId"], row["tierName"]) for row in known} == {(old["priceId"], "pro"), (new["priceId"], "pro")}

    assert shop.update("pro", price=3900).status_code == 200  # the same again changes nothing
    assert shop.tiers()["pro"] == new
    assert shop.update("pro", price=2900).status_code == 200  # back, at a third price
    eventually(lambda: shop.on_sale("prices") == {shop.tiers()["pro"]["priceId"]})
    assert len(stripe.api("GET", "prices", shop.account, limit=100)["data"]) == 3


def test_a_free_tier_may_begin_to_cost_and_stop_again(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    assert shop.update("free", price=500).status_code == 200
    paid = shop.tiers()["free"]
    assert shop.at_stripe("prices", paid["priceId"])["unit_amount"] == 500
    assert shop.at_stripe("products", paid["productId"])["metadata"]["tierName"] == "free"
    assert shop.update("free", price=0).status_code == 200
    assert shop.tiers()["free"]["priceId"] is None
    eventually(lambda: paid["priceId"] not in shop.on_sale("prices"))


def test_bad_updates_are_all_named(stack: Stack, stripe: StripeControls) -> None:
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


def test_changes_of_different_fields_at_once_both_stay(stack: Stack, stripe: StripeControls) -> None:
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
    with ThreadPoolExecutor(len(changes)) as pool:
        answers = list(pool.map(lambda updates: shop.update("pro", **updates), changes))
    assert [answer.status_code for answer in answers] == [200] * len(changes)
    tier = shop.tiers()["pro"]
    assert (tier["limit"], tier["popular"], tier["trialDays"], tier["features"]) == (77, True, 9, ["x"])
    assert shop.at_stripe("prices", tier["priceId"])["unit_amount"] == tier["price"]
    eventually(lambda: shop.on_sale("prices") == {tier["priceId"]})
    assert len(shop.on_sale("products")) == 1


def test_a_free_tier_that_two_price_at_once_has_one_product(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda price: shop.update("free", price=price), (700, 800)))
    tiers = shop.tiers()
    eventually(lambda: shop.on_sale("products") == {tier["productId"] for tier in tiers.values()})
    eventually(lambda: shop.on_sale("prices") == {tier["priceId"] for tier in tiers.values()})


def test_a_tier_is_added_after_the_others(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    answer = shop.add({"name": "max", "displayName": "Max", "price": 9900, "limit": "unlimited"})
    assert answer.status_code == 200, answer.text
    added = answer.json()["tier"]
    assert list(shop.tiers()) == ["free", "pro", "max"]
    price = shop.at_stripe("prices", added["priceId"])
    assert (price["unit_amount"], price["product"]) == (9900, added["productId"])
    seen = httpx.get(
        f"{stack.url('api-multi')}/api/tiers", headers={"Authorization": f"Bearer {shop.secret_key}"}
    ).json()["tiers"]
    assert [tier["name"] for tier in seen] == ["free", "pro", "max"]
    assert_refused(shop.add({"name": "max", "displayName": "Other", "price": 1, "limit": 1}), 409, "tier_exists")
    assert_refused(shop.add({"name": "other", "displayName": "MAX", "price": 1, "limit": 1}), 409, "tier_exists")
    fields = shop.add({"name": "x y", "price": "9"}).json()["fields"]
    assert set(fields) == {"tier.name", "tier.displayName", "tier.price", "tier.limit"}
    assert set(shop.add({}).json()["fields"]) >= {"tier.name"}


def test_a_project_has_twenty_tiers_at_most(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    tiers = [{"name": f"t{number}", "displayName": f"T {number}", "price": 0, "limit": number} for number in range(21)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(shop.add, tiers))
    assert [answer.status_code for answer in answers].count(200) == 18
    assert {answer.json().get("code") for answer in answers} == {None, "too_many_tiers"}
    assert len(shop.tiers()) == 20


def test_one_of_equal_additions_at_once_wins(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    tier = {"name": "max", "displayName": "Max", "price": 9900, "limit": 1}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: shop.add(tier), range(4)))
    assert [answer.status_code for answer in answers].count(200) == 1, [answer.text for answer in answers]
    assert {answer.status_code for answer in answers} <= {200, 409, 503}
    eventually(lambda: shop.on_sale("products") == {t["productId"] for t in shop.tiers().values() if t["productId"]})
    assert len(stripe.api("GET", "products", shop.account, limit=100)["data"]) == 2


def test_an_addition_that_is_repeated_with_its_key_is_answered_again(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    tier = {"name": "max", "displayName": "Max", "price": 9900, "limit": 1}
    first = shop.add(tier, **{"Idempotency-Key": "add"})
    again = shop.add(tier, **{"Idempotency-Key": "add"})
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"


def test_equal_additions_at_once_with_one_key_all_succeed(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    tier = {"name": "max", "displayName": "Max", "price": 9900, "limit": 1}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: shop.add(tier, **{"Idempotency-Key": "at once"}), range(4)))
    assert {answer.status_code for answer in answers} <= {200, 503}, [answer.text for answer in answers]
    assert len(stripe.api("GET", "products", shop.account, limit=100)["data"]) == 2


def test_store_and_saas_do_not_mix(stack: Stack, stripe: StripeControls) -> None:
    saas, store = make_shop(stack, stripe), make_shop(stack, stripe, STORE)
    one_off = {"name": "mug", "displayName": "A mug", "price": 100, "billingMode": "one_off"}
    monthly = {"name": "sub", "displayName": "Sub", "price": 100, "limit": 1, "billingMode": "subscription"}
    assert_refused(saas.add(one_off), 409, "project_type_mismatch")
    assert_refused(store.add(monthly), 409, "project_type_mismatch")
    assert_refused(saas.update("pro", billingMode="one_off"), 409, "project_type_mismatch")
    assert set(store.update("mug", price=0, trialDays=3).json()["fields"]) == {"updates.price", "updates.trialDays"}


def test_stock_is_set_and_a_sold_out_product_says_so(stack: Stack, stripe: StripeControls) -> None:
    store = make_shop(stack, stripe, STORE)
    assert store.update("mug", inventory=0).status_code == 200
    assert store.tiers()["mug"]["soldOut"] is True
    assert store.update("mug", inventory=None).status_code == 200
    assert (store.tiers()["mug"]["inventory"], store.tiers()["mug"]["soldOut"]) == (None, False)


def test_a_tier_with_subscribers_goes_only_by_force_and_they_keep_it(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    tier = shop.tiers()["pro"]
    shop.subscribe("pro")
    assert_refused(shop.delete("pro"), 409, "tier_has_subscribers")
    assert "pro" in shop.tiers()
    assert shop.delete("pro", force=True).status_code == 200
    assert "pro" not in shop.tiers()
    eventually(lambda: tier["productId"] not in shop.on_sale("products"))
    eventually(lambda: tier["priceId"] not in shop.on_sale("prices"))
    headers = {"Authorization": f"Bearer {shop.secret_key}", "X-User-Id": "user_buyer"}
    usage = httpx.post(f"{stack.url('api-multi')}/api/data", headers=headers).json()["usage"]
    assert (usage["plan"], usage["limit"]) == ("pro", 5000)
    assert_refused(shop.delete("pro"), 404, "unknown_tier")


def test_users_who_were_put_on_a_tier_count_as_subscribers(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    stack.d1(
        "INSERT INTO end_users (publishableKey, clerkUserId, plan, createdAt, updatedAt) VALUES (?1, 'u', 'pro', ?2, ?2)",
        shop.publishable_key,
        CREATED,
    )
    assert_refused(shop.delete("pro"), 409, "tier_has_subscribers")


def test_the_last_tier_of_a_saas_project_stays_whoever_deletes(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(shop.delete, ("free", "pro")))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert {answer.json().get("code") for answer in answers} == {None, "last_tier"}
    assert len(shop.tiers()) == 1
    (left,) = shop.tiers()
    assert_refused(shop.delete(left, force=True), 409, "last_tier")


def test_a_deleted_tier_may_come_back(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    old = shop.tiers()["pro"]
    answer = shop.developer.request("DELETE", f"/tiers?publishableKey={shop.publishable_key}&tierName=pro")
    assert answer.status_code == 200, answer.text
    eventually(lambda: not shop.on_sale("products"))
    assert shop.add({"name": "pro", "displayName": "Pro", "price": 2900, "limit": 5000}).status_code == 200
    new = shop.tiers()["pro"]
    assert new["productId"] != old["productId"]
    eventually(lambda: shop.on_sale("products") == {new["productId"]})


def test_without_a_connected_account_nothing_can_cost(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    assert shop.developer.post("/disconnect", {"mode": "test"}).status_code == 200
    tier = {"name": "max", "displayName": "Max", "price": 9900, "limit": 1}
    assert_refused(shop.add(tier), 409, "stripe_not_connected")
    assert_refused(shop.update("pro", price=1), 409, "stripe_not_connected")
    assert shop.add({**tier, "price": 0}).status_code == 200
    assert shop.update("pro", limit=6).status_code == 200


def test_what_stripe_could_not_be_told_is_told_by_the_schedule(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    product_id = shop.tiers()["pro"]["productId"]
    stripe.control("faults", {"method": "POST", "path": f"/v1/products/{product_id}", "times": 50, "status": 500})
    try:
        assert shop.update("pro", displayName="Renamed").status_code == 200
        owed = "SELECT attempts FROM outbox WHERE kind = 'describe_product' AND subject = ?1 AND lastError IS NOT NULL"
        eventually(lambda: bool(stack.d1(owed, product_id)))
    finally:
        stripe.clear("faults")
    assert shop.at_stripe("products", product_id)["name"] == "Pro"
    stack.d1("UPDATE outbox SET nextAttemptAt = ?1 WHERE subject = ?2", CREATED, product_id)
    stack.run_scheduled("front-auth-api")
    eventually(lambda: shop.at_stripe("products", product_id)["name"] == "Renamed")


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
def test_a_key_that_is_none_is_named(stack: Stack, stripe: StripeControls, key: str) -> None:
    developer = make_developer(stack, stripe)
    answer = developer.request("GET", f"/tiers?publishableKey={key}")
    assert (answer.status_code, set(answer.json()["fields"])) == (400, {"publishableKey"})


UPDATE_STEPS = ("update-tier:opened", "update-tier:pro:price", "update-tier:made", "tier.updated:stored")
ADD_STEPS = ("add-tier:opened", "add-tier:max:product", "add-tier:max:price", "add-tier:made", "tier.added:stored")


def test_an_edit_that_is_killed_at_any_step_is_finished_by_its_retry(stack: Stack, stripe: StripeControls) -> None:
    tier = {"name": "max", "displayName": "Max", "price": 9900, "limit": 1}
    updates = [(step, make_shop(stack, stripe)) for step in UPDATE_STEPS]
    additions = [(step, make_shop(stack, stripe)) for step in ADD_STEPS]
    deletion = make_shop(stack, stripe)
    kill_during(
        stack,
        "oauth-api",
        [
            *((step, partial(shop.update, "pro", price=3900)) for step, shop in updates),
            *((step, partial(shop.add, tier, **{"Idempotency-Key": step})) for step, shop in additions),
            ("tier.archived:stored", partial(deletion.delete, "pro")),
        ],
    )
    for step, shop in updates:
        assert shop.update("pro", price=3900).status_code == 200, step
    for step, shop in additions:
        answer = shop.add(tier, **{"Idempotency-Key": step})
        assert answer.status_code == 200, (step, answer.text)
    assert_refused(deletion.delete("pro"), 404, "unknown_tier")
    stack.d1("UPDATE outbox SET nextAttemptAt = ?1", CREATED)
    stack.run_scheduled("front-auth-api")
    for step, shop in (*updates, *additions):
        tiers = [tier for tier in shop.tiers().values() if tier["price"] > 0]
        eventually(lambda shop=shop, tiers=tiers: shop.on_sale("prices") == {tier["priceId"] for tier in tiers})
        assert shop.on_sale("products") == {tier["productId"] for tier in tiers}, step
        created = stripe.api("GET", "prices", shop.account, limit=100)["data"]
        assert len(created) == 2, step
    eventually(lambda: not deletion.on_sale("products"))
