"""`POST /promote-to-live`: test projects to promote, and what must hold of a live project afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from tests.support.developers import Developer, make_developer
from tests.support.stack import Stack
from tests.support.stripe_accounts import StripeControls
from tests.support.waiting import eventually

SAAS: Mapping[str, Any] = {
    "mode": "test",
    "projectName": "Notes",
    "projectType": "saas",
    "tiers": [
        {"name": "free", "displayName": "Free", "price": 0, "limit": 100},
        {"name": "pro", "displayName": "Pro", "price": 2900, "limit": 5000},
        {"name": "max", "displayName": "Max", "price": 9900, "limit": "unlimited"},
    ],
}


def make_project(stack: Stack, stripe: StripeControls, body: Mapping[str, Any] = SAAS) -> tuple[Developer, str]:
    """A developer who is connected in both modes, and the publishable key of their test project."""
    developer = make_developer(stack, stripe, connected=("test", "live"))
    return developer, developer.post("/create-products", body).json()["publishableKey"]


def promote(developer: Developer, publishable_key: str, **more: Any) -> httpx.Response:
    return developer.post("/promote-to-live", {"publishableKey": publishable_key, **more})


def promoted(developer: Developer, publishable_key: str) -> dict[str, Any]:
    answer = promote(developer, publishable_key)
    assert answer.status_code == 200, answer.text
    return answer.json()


def tiers_of(developer: Developer, publishable_key: str) -> list[dict[str, Any]]:
    return developer.request("GET", f"/tiers?publishableKey={publishable_key}").json()["tiers"]


def on_sale(stripe: StripeControls, developer: Developer, kind: str) -> set[str]:
    account = developer.accounts["live"]
    return {each["id"] for each in stripe.api("GET", kind, account, "live", limit=100, active="true")["data"]}


def assert_live_equals_test(developer: Developer, stripe: StripeControls, test_key: str) -> str:
    """Asserts one live project with the test project's tiers, and only their prices on sale. Returns its publishable key."""
    stack = developer.stack
    (live,) = stack.d1("SELECT * FROM projects WHERE testPublishableKey = ?1", test_key)
    key = live["publishableKey"]
    own = ("priceId", "stripePriceId", "productId", "inventory", "soldOut")
    test_tiers, live_tiers = tiers_of(developer, test_key), tiers_of(developer, key)

    def shared(tiers: list[dict[str, Any]]) -> dict[str, Any]:
        return {tier["name"]: {name: value for name, value in tier.items() if name not in own} for tier in tiers}

    assert shared(live_tiers) == shared(test_tiers)
    paid = [tier for tier in live_tiers if tier["price"] > 0]
    eventually(
        lambda: (
            on_sale(stripe, developer, "products") == {tier["productId"] for tier in live_tiers if tier["productId"]}
        )
    )
    eventually(lambda: on_sale(stripe, developer, "prices") == {tier["priceId"] for tier in paid})
    for tier in paid:
        price = stripe.api("GET", f"prices/{tier['priceId']}", developer.accounts["live"], "live")
        assert (price["unit_amount"], price["livemode"]) == (tier["price"], True)
    assert len(stack.d1("SELECT 1 FROM api_keys WHERE publishableKey = ?1", key)) == 1
    assert not stack.d1(
        "SELECT 1 FROM project_drafts WHERE platformId = ?1 AND settledAt IS NULL", developer.platform_id
    )
    return key
