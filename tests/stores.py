"""Makes stores with a connected account and real prices at the Stripe stand-in, and drives what buyers and sellers do there."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from devstack.stack import Stack
from tests.tenants import CREATED, Tenant, make_platform, make_tenant

TIMEOUT = 60


class Stripe:
    """The stand-in: its API with the platform's key, and its controls."""

    def __init__(self, stack: Stack, mode: str = "test") -> None:
        self.url = stack.url("stripe")
        self.mode = mode
        self._key: str = stack.state["stripeSecretKeys"][mode]
        self.webhook_secret: str = stack.state["webhookSecrets"]["connectTest" if mode == "test" else "connectLive"]
        self._http = httpx.Client(base_url=self.url, timeout=TIMEOUT)

    @property
    def headers(self) -> dict[str, str]:
        """Those of an API call with the platform's key."""
        return {"Authorization": f"Bearer {self._key}"}

    def call(self, method: str, path: str, account: str | None, **form: Any) -> dict[str, Any]:
        """One API call; raises for anything but success."""
        headers = self.headers
        if account is not None:
            headers["Stripe-Account"] = account
        if method == "GET":
            answer = self._http.get(path, headers=headers, params=form)
        else:
            answer = self._http.request(method, path, headers=headers, data=form)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def control(self, verb: str, control: str, body: Any = None, **query: Any) -> dict[str, Any]:
        """One of the stand-in's own controls."""
        answer = self._http.request(verb, f"/_devstack/{control}", json=body, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def idle(self, account: str) -> None:
        """Waits until all webhooks of the account were delivered."""
        deadline = time.monotonic() + TIMEOUT
        while waiting := self.control("GET", "webhooks", account=account, state="queued")["deliveries"]:
            if time.monotonic() > deadline:
                raise AssertionError(f"still waiting: {waiting}")
            self.control("GET", "webhooks/idle", timeout=0.05)

    def close(self) -> None:
        self._http.close()

    def make_account(self) -> str:
        """A developer's account, connected without OAuth."""
        return self.control("POST", "accounts", {"connect": self.mode})["id"]

    def make_price(self, account: str, name: str, amount: int) -> tuple[str, str]:
        """Ids of a new product and its one-time price."""
        product = self.call("POST", "/v1/products", account, name=name)["id"]
        price = self.call("POST", "/v1/prices", account, product=product, unit_amount=amount, currency="usd")["id"]
        return product, price

    def signed(self, event: Mapping[str, Any], secret: str | None = None) -> tuple[bytes, dict[str, str]]:
        """Body and headers of a delivery of this event."""
        body = json.dumps(event).encode()
        now = int(time.time())
        key = (secret or self.webhook_secret).encode()
        signature = hmac.new(key, f"{now}.".encode() + body, hashlib.sha256).hexdigest()
        return body, {"Content-Type": "application/json", "Stripe-Signature": f"t={now},v1={signature}"}


@dataclass(frozen=True)
class Seller:
    """A platform with a connected account on which it sells."""

    platform: tuple[str, str]
    account: str
    mode: str


def make_seller(stack: Stack, stripe: Stripe) -> Seller:
    """A paid platform whose account is connected in the stand-in's mode."""
    platform = make_platform(stack)
    account = stripe.make_account()
    stack.d1(
        "INSERT INTO stripe_tokens (platformId, mode, stripeUserId, scope, connectedAt) VALUES (?1, ?2, ?3, 'read_write', ?4)",
        platform[0],
        stripe.mode,
        account,
        CREATED,
    )
    return Seller(platform, account, stripe.mode)


class Store:
    """One store project, asked through api-multi."""

    def __init__(self, stack: Stack, stripe: Stripe, seller: Seller, tenant: Tenant) -> None:
        self.stack = stack
        self.stripe = stripe
        self.seller = seller
        self.tenant = tenant
        self._http = httpx.Client(base_url=stack.url("api-multi"), timeout=TIMEOUT)

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self._http.get(path, headers=self.tenant.headers(), params=query)

    def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return self._http.post(path, json=body, headers=dict(headers or self.tenant.headers()))

    def checkout(
        self, items: Mapping[str, int], headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """Asks for a checkout of so many of each product."""
        lines = [{"tier": name, "quantity": quantity} for name, quantity in items.items()]
        return self.post("/api/cart/checkout", {"items": lines, **more}, headers)

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
        """Waits until api-multi heard of all that happened."""
        self.stripe.idle(self.seller.account)

    def close(self) -> None:
        self._http.close()

    # What happens at Stripe

    def pay(self, session_id: str, **how: Any) -> dict[str, Any]:
        return self.stripe.control("POST", f"checkout/{session_id}/pay", how)

    def settle(self, session_id: str, outcome: str) -> None:
        self.stripe.control("POST", f"checkout/{session_id}/settle", {"outcome": outcome})

    def expire(self, session_id: str) -> None:
        self.stripe.call("POST", f"/v1/checkout/sessions/{session_id}/expire", self.seller.account)

    def session(self, session_id: str) -> dict[str, Any]:
        path = f"/v1/checkout/sessions/{session_id}"
        return self.stripe.call("GET", path, self.seller.account, **{"expand[]": "payment_intent.latest_charge"})

    def refund(self, session_id: str, amount: int | None = None) -> None:
        intent = self.session(session_id)["payment_intent"]["id"]
        body = {"payment_intent": intent} | ({} if amount is None else {"amount": amount})
        self.stripe.control("POST", "refunds", body)

    def dispute(self, session_id: str) -> None:
        intent = self.session(session_id)["payment_intent"]["id"]
        self.stripe.control("POST", "disputes", {"payment_intent": intent})

    def events(self, *types: str) -> list[dict[str, Any]]:
        """Events of the seller's account, all that there were, the oldest first."""
        listed: list[dict[str, Any]] = self.stripe.control("GET", "events", account=self.seller.account)["events"]
        return [event for event in reversed(listed) if not types or event["type"] in types]

    def deliver(self, event: Mapping[str, Any], secret: str | None = None) -> httpx.Response:
        body, headers = self.stripe.signed(event, secret)
        return self._http.post("/webhook/stripe", content=body, headers=headers)


def make_store(
    stack: Stack,
    stripe: Stripe,
    seller: Seller,
    products: Sequence[Mapping[str, Any]],
    prices: Mapping[str, tuple[str, str]] | None = None,
) -> Store:
    """A store of the seller's. Products are `{"name", "price", "inventory"}`; prices that exist already can be given by name."""
    tiers = [
        {**product, "productId": product_id, "priceId": price_id}
        for product in products
        for product_id, price_id in [
            prices[product["name"]] if prices else stripe.make_price(seller.account, product["name"], product["price"])
        ]
    ]
    mode = "test" if seller.mode == "test" else "live"
    tenant = make_tenant(stack, tiers=tiers, project_type="store", platform=seller.platform, mode=mode)
    return Store(stack, stripe, seller, tenant)
