"""A developer's project, and the calls that edit what it sells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.developers import Developer, make_developer
from tests.support.stack import Stack
from tests.support.stored_subscriptions import store_subscription
from tests.support.stripe_accounts import StripeControls

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
    """A project and its developer."""

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
        return self._send(self.prepare_update(tier, **updates))

    def add(self, tier: Mapping[str, Any], **headers: str) -> httpx.Response:
        return self._send(self.prepare_addition(tier, **headers))

    def delete(self, tier: str, **more: Any) -> httpx.Response:
        return self._send(self.prepare_deletion(tier, **more))

    # The same as requests, for `stack.at_once`

    def prepare_update(self, tier: str, **updates: Any) -> httpx.Request:
        body = {"publishableKey": self.publishable_key, "tierName": tier, "updates": updates}
        return self.developer.prepare("PUT", "/tiers", body)

    def prepare_addition(self, tier: Mapping[str, Any], **headers: str) -> httpx.Request:
        body = {"publishableKey": self.publishable_key, "tier": tier}
        return self.developer.prepare("POST", "/tiers/add", body, headers=headers)

    def prepare_deletion(self, tier: str, **more: Any) -> httpx.Request:
        body = {"publishableKey": self.publishable_key, "tierName": tier, **more}
        return self.developer.prepare("DELETE", "/tiers", body)

    def _send(self, request: httpx.Request) -> httpx.Response:
        return self.developer.stack.http("oauth-api").send(request)

    def at_stripe(self, kind: str, object_id: str) -> dict[str, Any]:
        return self.stripe.api("GET", f"{kind}/{object_id}", self.account)

    def on_sale(self, kind: str) -> set[str]:
        return {each["id"] for each in self.stripe.api("GET", kind, self.account, limit=100, active="true")["data"]}

    def assert_one_price_per_paid_tier(self) -> None:
        """Asserts that exactly the paid tiers' prices and products are on sale."""
        paid = [tier for tier in self.tiers().values() if tier["price"] > 0]
        assert self.on_sale("prices") == {tier["priceId"] for tier in paid}
        assert self.on_sale("products") == {tier["productId"] for tier in paid}

    def subscribe(self, tier: str, user: str = "user_buyer") -> None:
        """Stores a subscription to the tier."""
        store_subscription(self.developer.stack, self.publishable_key, user, plan=tier)


def make_shop(stack: Stack, stripe: StripeControls, body: Mapping[str, Any] = SAAS) -> Shop:
    """A new project with a free and a paid tier, of a new developer."""
    developer = make_developer(stack, stripe)
    made = developer.post("/create-products", body).json()
    return Shop(developer, stripe, made["publishableKey"], made["secretKey"])


def assert_refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
