"""`DELETE /tiers`: a tier is archived here and at Stripe, and never the last one or one in use."""

from __future__ import annotations

from functools import partial

from tests.support.in_process.stack import InProcessStack
from tests.support.killing import die_at
from tests.support.stack import Stack
from tests.support.stripe_accounts import StripeControls
from tests.support.tenants import CREATED
from tests.support.tier_editing import assert_refused, make_shop


def test_a_tier_with_subscribers_is_deleted_only_by_force_and_they_keep_it(
    stack: Stack, stripe: StripeControls
) -> None:
    shop = make_shop(stack, stripe)
    tier = shop.tiers()["pro"]
    shop.subscribe("pro")
    assert_refused(shop.delete("pro"), 409, "tier_has_subscribers")
    assert "pro" in shop.tiers()
    assert shop.delete("pro", force=True).status_code == 200
    assert "pro" not in shop.tiers()
    assert tier["productId"] not in shop.on_sale("products")
    assert tier["priceId"] not in shop.on_sale("prices")
    headers = {"Authorization": f"Bearer {shop.secret_key}", "X-User-Id": "user_buyer"}
    usage = stack.http("api-multi").post("/api/data", headers=headers).json()["usage"]
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


def test_a_saas_project_keeps_its_last_tier_even_if_two_deletions_race(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    answers = stack.at_once([shop.prepare_deletion(tier) for tier in ("free", "pro")])
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert {answer.json().get("code") for answer in answers} == {None, "last_tier"}
    assert len(shop.tiers()) == 1
    (left,) = shop.tiers()
    assert_refused(shop.delete(left, force=True), 409, "last_tier")


def test_a_deleted_tier_may_be_added_again(stack: Stack, stripe: StripeControls) -> None:
    shop = make_shop(stack, stripe)
    old = shop.tiers()["pro"]
    answer = shop.developer.request("DELETE", f"/tiers?publishableKey={shop.publishable_key}&tierName=pro")
    assert answer.status_code == 200, answer.text
    assert not shop.on_sale("products")
    assert shop.add({"name": "pro", "displayName": "Pro", "price": 2900, "limit": 5000}).status_code == 200
    new = shop.tiers()["pro"]
    assert new["productId"] != old["productId"]
    assert shop.on_sale("products") == {new["productId"]}


def test_a_deletion_that_dies_has_happened_and_is_finished_by_the_schedule(
    stack: InProcessStack, stripe: StripeControls
) -> None:
    shop = make_shop(stack, stripe)
    die_at(stack, "oauth-api", "tier.archived:stored", partial(shop.delete, "pro"))
    assert_refused(shop.delete("pro"), 404, "unknown_tier")
    stack.d1("UPDATE outbox SET nextAttemptAt = ?1", CREATED)
    stack.run_scheduled("front-auth-api")
    assert not shop.on_sale("products")
