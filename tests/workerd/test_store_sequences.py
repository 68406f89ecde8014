"""Guarantee: whatever carts, payments, refunds and events do, in whatever order they come, stock is right to the unit.

Five hundred random stories, each in a store of its own: carts are filled, paid by card or by bank debit, left to expire, refunded in
part or in full, disputed; events come late, shuffled, twice, and two at once. Stripe's own word (the stand-in's) is the judge.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from devstack.stack.stack import Stack
from tests.support.stores import Seller, make_price, make_seller, make_store, signed
from tests.support.stripe_accounts import StripeControls

STORIES = int(os.environ.get("STORE_STORIES", "500"))
SEED = int(os.environ.get("STORE_SEED", "20261124"))
AT_ONCE = 10
STEPS = 9
PRICES = {"mug": 1200, "poster": 1800}
STOCK = {"mug": 3, "poster": 2}
HELD = ("open", "processing", "paid", "partially_refunded", "disputed")


@dataclass
class Cart:
    """What the story knows of one checkout: what it holds by Stripe's word."""

    order_id: str
    session_id: str
    items: Mapping[str, int]
    status: str = "open"
    refunded: int = 0
    intent: str | None = None

    @property
    def total(self) -> int:
        return sum(PRICES[name] * quantity for name, quantity in self.items.items())


@dataclass
class World:
    """What all stories share."""

    stack: Stack
    seller: Seller
    api: httpx.AsyncClient
    vendor: httpx.AsyncClient


@dataclass
class Story:
    """One store and what happens to it."""

    world: World
    seed: int
    headers: Mapping[str, str]
    carts: list[Cart] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    async def play(self) -> None:
        for _ in range(STEPS):
            await self.random.choice(
                [
                    self.fill,
                    self.fill,
                    self.fill_twice,
                    self.pay,
                    self.pay,
                    self.debit,
                    self.settle,
                    self.expire,
                    self.refund,
                    self.dispute,
                    self.hear_some,
                    self.hear_some,
                ]
            )()
            await self.check_stock_on_the_way()
        await self.hear_all()
        await self.check_the_end()

    # Buyers

    async def fill(self) -> None:
        items = {
            name: self.random.randint(1, 2) for name in self.random.sample(sorted(STOCK), self.random.randint(1, 2))
        }
        lines = [{"tier": name, "quantity": quantity} for name, quantity in items.items()]
        before = await self.stock()
        answer = await self.world.api.post("/api/cart/checkout", json={"items": lines}, headers=self.headers)
        self.told.append(f"fill {items}: {answer.status_code}")
        if answer.status_code == 200:
            self.carts.append(Cart(answer.json()["orderId"], answer.json()["sessionId"], items))
        else:
            assert answer.status_code == 409, answer.text
            assert any(before[name] < quantity for name, quantity in items.items()), (before, items)

    async def fill_twice(self) -> None:
        """Two carts at once, for the same units."""
        lines = [{"tier": "mug", "quantity": 2}]
        calls = [
            self.world.api.post("/api/cart/checkout", json={"items": lines}, headers=self.headers) for _ in range(2)
        ]
        answers = await asyncio.gather(*calls)
        self.told.append(f"fill twice: {[answer.status_code for answer in answers]}")
        for answer in answers:
            assert answer.status_code in (200, 409), answer.text
            if answer.status_code == 200:
                self.carts.append(Cart(answer.json()["orderId"], answer.json()["sessionId"], {"mug": 2}))

    async def pay(self) -> None:
        if cart := self.one("open"):
            session = await self.control(f"checkout/{cart.session_id}/pay", {})
            self.happened("checkout.session.completed", session)
            cart.intent = session["payment_intent"]
            cart.status = "paid"

    async def debit(self) -> None:
        if cart := self.one("open"):
            session = await self.control(f"checkout/{cart.session_id}/pay", {"method": "us_bank_account"})
            self.happened("checkout.session.completed", session)
            cart.intent = session["payment_intent"]
            cart.status = "processing"

    async def settle(self) -> None:
        if cart := self.one("processing"):
            outcome = self.random.choice(["succeed", "fail"])
            session = await self.control(f"checkout/{cart.session_id}/settle", {"outcome": outcome})
            ending = "succeeded" if outcome == "succeed" else "failed"
            self.happened(f"checkout.session.async_payment_{ending}", session)
            cart.status = "paid" if outcome == "succeed" else "failed"

    async def expire(self) -> None:
        if cart := self.one("open"):
            session = await self.vendor("POST", f"/v1/checkout/sessions/{cart.session_id}/expire")
            self.happened("checkout.session.expired", session)
            cart.status = "expired"

    # Sellers and banks

    async def refund(self) -> None:
        if cart := self.one("paid", "partially_refunded"):
            left = cart.total - cart.refunded
            amount = left if self.random.random() < 0.6 else self.random.randint(1, left)
            made = await self.control("refunds", {"payment_intent": cart.intent, "amount": amount})
            self.happened("charge.refunded", {"id": made["charge"]})
            cart.refunded += amount
            cart.status = "refunded" if cart.refunded == cart.total else "partially_refunded"

    async def dispute(self) -> None:
        if cart := self.one("paid", "partially_refunded"):
            dispute = await self.control("disputes", {"payment_intent": cart.intent})
            self.happened("charge.dispute.created", dispute)
            cart.status = "disputed"

    # Events

    async def hear_some(self) -> None:
        count = min(len(self.events), self.random.randint(1, 3))
        await self.hear(self.random.sample(self.events, count))

    async def hear_all(self) -> None:
        """Everything in some order, what was heard before as well, some of it twice."""
        events = [*self.events, *self.random.sample(self.events, len(self.events) // 3)]
        self.random.shuffle(events)
        await self.hear(events)

    async def hear(self, events: list[dict[str, Any]]) -> None:
        for index in range(0, len(events), 2):
            answers = await asyncio.gather(*(self.deliver(event) for event in events[index : index + 2]))
            assert {answer.status_code for answer in answers} <= {200}, [answer.text for answer in answers]

    async def deliver(self, event: dict[str, Any]) -> httpx.Response:
        self.told.append(f"hear {event['type']}")
        body, headers = signed(self.world.stack, event)
        return await self.world.api.post("/webhook/stripe", content=body, headers=headers)

    def happened(self, kind: str, thing: Mapping[str, Any]) -> None:
        """Stripe tells of it, some time."""
        self.events.append(
            {
                "id": f"evt_{self.seed}_{len(self.events)}",
                "object": "event",
                "type": kind,
                "account": self.world.seller.account,
                "livemode": False,
                "created": int(time.time()),
                "data": {"object": thing},
            }
        )

    # What must hold

    async def check_stock_on_the_way(self) -> None:
        """D1 may not have heard yet that units came back, but it never gives away what Stripe can sell."""
        stock = await self.stock()
        for name, units in STOCK.items():
            held = sum(cart.items.get(name, 0) for cart in self.carts if cart.status in HELD)
            assert stock[name] >= 0, self.story()
            assert held <= units, self.story()
            assert stock[name] + held <= units, self.story()

    async def check_the_end(self) -> None:
        stock = await self.stock()
        for name, units in STOCK.items():
            held = sum(cart.items.get(name, 0) for cart in self.carts if cart.status in HELD)
            assert stock[name] == units - held, self.story()
        answer = await self.world.api.get("/api/orders", params={"limit": 100}, headers=self.headers)
        shown = {order["id"]: order for order in answer.json()["orders"]}
        assert set(shown) == {cart.order_id for cart in self.carts}, self.story()
        for cart in self.carts:
            order = shown[cart.order_id]
            paid = cart.total if cart.status in ("paid", "partially_refunded", "disputed", "refunded") else 0
            assert (order["status"], order["amountPaid"], order["amountRefunded"]) == (
                cart.status,
                paid,
                cart.refunded,
            ), self.story()
        totals = await self.world.api.get("/api/dashboard/totals", headers=self.headers)
        metrics = totals.json()["metrics"]
        sales = [order for order in shown.values() if order["amountPaid"]]
        assert metrics["storeSalesCount"] == len(sales), self.story()
        assert metrics["revenue"] == sum(order["amountPaid"] - order["amountRefunded"] for order in sales), self.story()

    # Helpers

    def one(self, *statuses: str) -> Cart | None:
        fitting = [cart for cart in self.carts if cart.status in statuses]
        return self.random.choice(fitting) if fitting else None

    async def stock(self) -> dict[str, int]:
        answer = await self.world.api.get("/api/products", headers=self.headers)
        return {product["name"]: product["inventory"] for product in answer.json()["products"]}

    async def control(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self.told.append(f"{path} {dict(body)}")
        answer = await self.world.vendor.post(f"/_devstack/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def vendor(self, method: str, path: str) -> dict[str, Any]:
        key: str = self.world.stack.state["stripeSecretKeys"]["test"]
        headers = {"Authorization": f"Bearer {key}", "Stripe-Account": self.world.seller.account}
        answer = await self.world.vendor.request(method, path, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def story(self) -> str:
        return f"seed {self.seed}: " + "; ".join(self.told) + f"; {self.carts}"


def test_random_stories_never_break_the_stock(stack: Stack, stripe: StripeControls) -> None:
    seller = make_seller(stack, stripe)
    prices = {name: make_price(stripe, seller, name, amount) for name, amount in PRICES.items()}
    stripe.control("webhooks/rules", {"drop": True})
    try:
        told = asyncio.run(_tell(stack, stripe, seller, prices))
    finally:
        stripe.clear("webhooks/rules")
    # The stories are worth something only if all of this happened in them.
    for happening in ("expired", "failed", "refunded", "partially_refunded", "disputed", "paid", "processing", "open"):
        assert told[happening] > 0 or STORIES < 500, told


async def _tell(
    stack: Stack, stripe: StripeControls, seller: Seller, prices: Mapping[str, tuple[str, str]]
) -> Counter[str]:
    products = [{"name": name, "price": PRICES[name], "inventory": units} for name, units in STOCK.items()]
    happened: Counter[str] = Counter()
    seeds = iter(range(SEED, SEED + STORIES))
    async with (
        httpx.AsyncClient(base_url=stack.url("api-multi"), timeout=120) as api,
        httpx.AsyncClient(base_url=stack.url("stripe"), timeout=120) as vendor,
    ):
        world = World(stack, seller, api, vendor)

        async def tell() -> None:
            for seed in seeds:
                store = await asyncio.to_thread(make_store, stack, stripe, seller, products, prices)
                store.close()
                story = Story(world, seed, store.tenant.headers())
                try:
                    await story.play()
                except Exception as error:
                    raise AssertionError(story.story()) from error
                happened.update(cart.status for cart in story.carts)

        await asyncio.gather(*(tell() for _ in range(AT_ONCE)))
    return happened
