"""Makes stores with a connected account and real prices at the Stripe stand-in, and drives what buyers and sellers do there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from dream.domain.keys import Mode
from tests.support.stack import Stack
from tests.support.stripe_accounts import StripeControls, make_account
from tests.support.tenants import Tenant, make_platform, make_tenant
from tests.support.waiting import eventually
from tests.support.webhooks import Endpoint, send

TIMEOUT_SECONDS = 60.0
ENDPOINTS: Mapping[Mode, Endpoint] = {"test": "connectTest", "live": "connectLive"}
FAILING_BANK_ACCOUNT = "000111111113"
"""A bank debit of this account fails when it is settled."""

MUG = {"name": "mug", "price": 1200, "inventory": 5}
POSTER = {"name": "poster", "price": 1800, "inventory": 2}


@dataclass(frozen=True)
class Seller:
    """A platform with a connected account on which it sells."""

    platform: tuple[str, str]
    account: str
    mode: Mode


def make_seller(stack: Stack, stripe: StripeControls, mode: Mode = "test") -> Seller:
    """A paid platform whose account is connected in this mode."""
    platform = make_platform(stack)
    return Seller(platform, make_account(stack, stripe, platform[0], mode), mode)


def make_price(stripe: StripeControls, seller: Seller, name: str, amount: int) -> tuple[str, str]:
    """Ids of a new product and its one-time price."""
    product = stripe.api("POST", "products", seller.account, seller.mode, name=name)["id"]
    price = {"product": product, "unit_amount": amount, "currency": "usd"}
    return product, stripe.api("POST", "prices", seller.account, seller.mode, **price)["id"]


class Store:
    """One store project, asked through api-multi."""

    def __init__(self, stack: Stack, stripe: StripeControls, seller: Seller, tenant: Tenant) -> None:
        self.stack = stack
        self.stripe = stripe
        self.seller = seller
        self.tenant = tenant
        self._http = stack.client(stack.url("api-multi"))

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self._http.get(path, headers=self.tenant.headers(), params=query)

    def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return self._http.post(path, json=body, headers=dict(headers or self.tenant.headers()))

    def checkout(
        self, items: Mapping[str, int], headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """Asks for a checkout of so many of each product."""
        return self.post("/api/cart/checkout", {"items": _lines(items), **more}, headers)

    def checkout_at_once(self, carts: Sequence[Mapping[str, int]]) -> list[httpx.Response]:
        """Asks for a checkout of each cart, all at the same time."""
        api, headers = self.stack.http("api-multi"), self.tenant.headers()
        bodies = [{"items": _lines(items)} for items in carts]
        return self.stack.at_once(
            [api.build_request("POST", "/api/cart/checkout", json=body, headers=headers) for body in bodies]
        )

    def buy(self, items: Mapping[str, int]) -> dict[str, Any]:
        """A checkout that must succeed."""
        answer = self.checkout(items)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def stock(self) -> dict[str, int | None]:
        products = self.get("/api/products").json()["products"]
        return {product["name"]: product["inventory"] for product in products}

    def order(self, order_id: str) -> dict[str, Any]:
        answer = self.get(f"/api/cart/orders/{order_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()["order"]

    def metrics(self) -> dict[str, Any]:
        return self.get("/api/dashboard/totals").json()["metrics"]

    def idle(self) -> None:
        """Returns when api-multi has got every event of the seller's account."""
        eventually(self._has_every_event, f"every event of {self.seller.account} delivered", seconds=TIMEOUT_SECONDS)

    def _has_every_event(self) -> bool:
        self.stack.deliver()
        return not self.stripe.look("webhooks", account=self.seller.account, state="queued")["deliveries"]

    def close(self) -> None:
        self._http.close()

    # What happens at Stripe

    def pay(self, session_id: str, **how: Any) -> dict[str, Any]:
        return self.stripe.pay(session_id, **how)

    def settle(self, session_id: str, outcome: str) -> None:
        self.stripe.control(f"checkout/{session_id}/settle", {"outcome": outcome})

    def expire(self, session_id: str) -> None:
        self.stripe.api("POST", f"checkout/sessions/{session_id}/expire", self.seller.account, self.seller.mode)

    def session(self, session_id: str) -> dict[str, Any]:
        expanded = {"expand[]": "payment_intent.latest_charge"}
        return self.stripe.api(
            "GET", f"checkout/sessions/{session_id}", self.seller.account, self.seller.mode, **expanded
        )

    def refund(self, session_id: str, amount: int | None = None) -> None:
        intent = self.session(session_id)["payment_intent"]["id"]
        body = {"payment_intent": intent} | ({} if amount is None else {"amount": amount})
        self.stripe.control("refunds", body)

    def dispute(self, session_id: str) -> None:
        intent = self.session(session_id)["payment_intent"]["id"]
        self.stripe.control("disputes", {"payment_intent": intent})

    def events(self, *types: str) -> list[dict[str, Any]]:
        """Events of the seller's account, all that there were, the oldest first."""
        listed: list[dict[str, Any]] = self.stripe.look("events", account=self.seller.account)["events"]
        return [event for event in reversed(listed) if not types or event["type"] in types]

    def deliver(self, event: Mapping[str, Any], mode: Mode | None = None) -> httpx.Response:
        """Delivers an event, signed with the secret of the mode's endpoint. The default is the seller's mode."""
        return send(self.stack, event, endpoint=ENDPOINTS[mode or self.seller.mode])


def _lines(items: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"tier": name, "quantity": quantity} for name, quantity in items.items()]


def make_store(
    stack: Stack,
    stripe: StripeControls,
    seller: Seller,
    products: Sequence[Mapping[str, Any]],
    prices: Mapping[str, tuple[str, str]] | None = None,
) -> Store:
    """A store of the seller's. Products are `{"name", "price", "inventory"}`; prices that exist already can be given by name."""
    tiers: list[dict[str, Any]] = []
    for product in products:
        name = product["name"]
        product_id, price_id = prices[name] if prices else make_price(stripe, seller, name, product["price"])
        tiers.append({**product, "productId": product_id, "priceId": price_id})
    tenant = make_tenant(stack, tiers=tiers, project_type="store", platform=seller.platform, mode=seller.mode)
    return Store(stack, stripe, seller, tenant)
