"""Developers' calls that die with the real runtime, by SIGKILL, and are finished by their retries.

Each area dies at one step here. tests/oauth_api and tests/front_auth_api let it die at every step.
"""

from __future__ import annotations

from functools import partial

from devstack.stack import Stack
from tests.support.created_projects import SAAS, assert_one_project
from tests.support.developers import make_developer
from tests.support.killing import kill_during
from tests.support.platform_subscriptions import checkout, customers_of, platform
from tests.support.promotions import assert_live_equals_test, make_project, promote
from tests.support.stripe_accounts import StripeControls
from tests.support.tenants import CREATED
from tests.support.tier_editing import make_shop
from tests.support.waiting import eventually


def test_projects_promotions_and_tiers_that_die_with_the_runtime_are_finished_by_their_retries(
    stack: Stack, stripe: StripeControls
) -> None:
    creating = make_developer(stack, stripe)
    promoting, test_key = make_project(stack, stripe)
    shop = make_shop(stack, stripe)
    create = partial(creating.post, "/create-products", SAAS)
    calls = [
        ("create-products:max:product", create),
        ("promote-to-live:made", partial(promote, promoting, test_key)),
        ("update-tier:pro:price", partial(shop.update, "pro", price=3900)),
    ]
    kill_during(stack, "oauth-api", calls)
    for _, call in calls:
        finished = call()
        assert finished.status_code == 200, finished.text
    stack.d1("UPDATE outbox SET nextAttemptAt = ?1", CREATED)
    stack.run_scheduled("front-auth-api")
    assert_one_project(creating, stripe, SAAS)
    assert_live_equals_test(promoting, stripe, test_key)
    eventually(lambda: shop.on_sale("prices") == {shop.tiers()["pro"]["priceId"]})
    assert len(stripe.api("GET", "prices", shop.account, limit=100)["data"]) == 2


def test_a_checkout_that_dies_with_the_runtime_is_opened_once_by_its_retry(
    stack: Stack, stripe: StripeControls
) -> None:
    developer = make_developer(stack, stripe, platform=False)
    open_checkout = partial(developer.front_auth, "POST", "/create-checkout", {})
    kill_during(stack, "front-auth-api", [("create-checkout:session-created", open_checkout)])
    opened = checkout(developer)
    row = platform(stack, developer)
    sessions = stripe.api("GET", "checkout/sessions", None, customer=row["stripeCustomerId"])["data"]
    assert [session["id"] for session in sessions] == [opened["sessionId"]]
    assert customers_of(stripe, row["platformId"]) == 1
