"""`POST /create-products`: what a saas project and a store project are created from, and what must be there afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.developers import Developer
from tests.support.stripe_accounts import StripeControls

SAAS: Mapping[str, Any] = {
    "mode": "test",
    "projectName": "Notes",
    "projectType": "saas",
    "tiers": [
        {"name": "free", "displayName": "Free", "price": 0, "limit": 100},
        {
            "name": "pro",
            "displayName": "Pro",
            "price": 2900,
            "limit": 5000,
            "description": "For teams",
            "features": ["Everything", "Support"],
            "popular": True,
            "trialDays": 14,
        },
        {"name": "max", "displayName": "Max", "price": 9900, "limit": "unlimited"},
    ],
}


STORE: Mapping[str, Any] = {
    "mode": "test",
    "projectName": "Mugs",
    "projectType": "store",
    "tiers": [
        {"name": "mug", "displayName": "Mug", "price": 1200, "inventory": 5, "imageUrl": "https://example.com/mug.png"}
    ],
}


def assert_one_project(developer: Developer, stripe: StripeControls, body: Mapping[str, Any]) -> None:
    """Asserts one project with all its tiers, one key, one Stripe product and price per paid tier, and no open draft."""
    stack, account = developer.stack, developer.accounts[body["mode"]]
    (project,) = stack.d1("SELECT * FROM projects WHERE platformId = ?1", developer.platform_id)
    tiers = stack.d1("SELECT * FROM tiers WHERE publishableKey = ?1 ORDER BY position", project["publishableKey"])
    assert [tier["name"] for tier in tiers] == [tier["name"] for tier in body["tiers"]]
    assert len(stack.d1("SELECT 1 FROM api_keys WHERE publishableKey = ?1", project["publishableKey"])) == 1
    assert not stack.d1(
        "SELECT 1 FROM project_drafts WHERE platformId = ?1 AND settledAt IS NULL", developer.platform_id
    )
    paid = {tier["name"]: tier for tier in tiers if tier["price"] > 0}
    products = stripe.api("GET", "products", account, body["mode"], limit=100)["data"]
    prices = stripe.api("GET", "prices", account, body["mode"], limit=100)["data"]
    assert sorted(product["id"] for product in products) == sorted(tier["productId"] for tier in paid.values())
    assert sorted(price["id"] for price in prices) == sorted(tier["priceId"] for tier in paid.values())
    assert all(product["active"] for product in products)
    assert {product["metadata"]["publishableKey"] for product in products} == {project["publishableKey"]}
    assert {product["metadata"]["tierName"] for product in products} == set(paid)
