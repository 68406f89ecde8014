"""Developers' calls that die with the real runtime, by SIGKILL, and are finished by their retries.

Each area dies at one step here. tests/oauth_api and tests/front_auth_api let it die at every step.
"""

from __future__ import annotations

from functools import partial

from devstack.stack.stack import Stack
from tests.support.created_projects import SAAS, assert_one_project
from tests.support.developers import make_developer
from tests.support.killing import kill_workers_during
from tests.support.platform_subscriptions import customers_of, platform
from tests.support.promotions import assert_live_equals_test, make_project, promote
from tests.support.stripe_accounts import StripeControls
from tests.support.tenants import CREATED
from tests.support.tier_editing import make_shop
from tests.support.waiting import eventually


def test_calls_that_die_with_the_runtime_are_finished_by_their_retries(stack: Stack, stripe: StripeControls) -> None:
    creating = make_developer(stack, stripe)
    promoting, test_key = make_project(stack, stripe)
    shop = make_shop(stack, stripe)
    paying = make_developer(stack, stripe, platform=False)
    calls = [
        ("oauth-api", "create-products:max:product", partial(creating.post, "/create-products", SAAS)),
        ("oauth-api", "promote-to-live:made", partial(promote, promoting, test_key)),
        ("oauth-api", "update-tier:pro:price", partial(shop.update, "pro", price=3900)),
        (
            "front-auth-api",
            "create-checkout:session-created",
            partial(paying.front_auth, "POST", "/create-checkout", {}),
        ),
    ]
    kill_workers_during(stack, calls)
    finished = [call() for *_, call in calls]
    assert [answer.status_code for answer in finished] == [200] * 4, [answer.text for answer in finished]
    stack.d1("UPDATE outbox SET nextAttemptAt = ?1", CREATED)
    stack.run_scheduled("front-auth-api")

    assert_one_project(creating, stripe, SAAS)
    assert_live_equals_test(promoting, stripe, test_key)
    eventually(lambda: shop.on_sale("prices") == {shop.tiers()["pro"]["priceId"]})
    assert len(stripe.api("GET", "prices", shop.account, limit=100)["data"]) == 2
    row = platform(stack, paying)
    sessions = stripe.api("GET", "checkout/sessions", None, customer=row["stripeCustomerId"])["data"]
    assert [session["id"] for session in sessions] == [finished[3].json()["sessionId"]]
    assert customers_of(stripe, row["platformId"]) == 1
