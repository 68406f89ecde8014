"""Random stories of a store: carts are filled, paid, refunded and disputed, while events come late, shuffled and twice.

Stripe's own word (the stand-in's) is the judge of stock and money.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.stack import Stack
from tests.support.stores import Seller, make_price, make_seller, make_store
from tests.support.stripe_accounts import StripeControls
from tests.support.webhooks import send_at_once

STEPS = 9
PRICES = {"mug": 1200, "poster": 1800}
STOCK = {"mug": 3, "poster": 2}
HELD = ("open", "processing", "paid", "partially_refunded", "disputed")
STATUSES = ("expired", "failed", "refunded", "partially_refunded", "disputed", "paid", "processing", "open")


@dataclass
class Cart:
    """One checkout as Stripe knows it: what it holds, and its status."""

    order_id: str
    session_id: str
    items: Mapping[str, int]
    status: str = "open"
    refunded: int = 0
    intent: str | None = None

    @property
    def total(self) -> int:
        return sum(PRICES[name] * quantity for name, quantity in self.items.items())


@dataclass(frozen=True)
class World:
    """What all stories share: the seller's account and its prices."""

    stack: Stack
    stripe: StripeControls
    seller: Seller
    prices: Mapping[str, tuple[str, str]]


@dataclass
class Story:
    """One store, and the random steps that happen to it. `done` lists them for whoever reads a failure."""

    world: World
    seed: int
    headers: Mapping[str, str]
    carts: list[Cart] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.api = self.world.stack.http("api-multi")

    def play(self) -> None:
        for _ in range(STEPS):
            self.random.choice(
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
                    self.deliver_some,
                    self.deliver_some,
                ]
            )()
            self.check_stock_on_the_way()
        self.deliver_all()
        self.check_the_end()

    def fill(self) -> None:
        items = {
            name: self.random.randint(1, 2) for name in self.random.sample(sorted(STOCK), self.random.randint(1, 2))
        }
        lines = [{"tier": name, "quantity": quantity} for name, quantity in items.items()]
        before = self.stock()
        answer = self.api.post("/api/cart/checkout", json={"items": lines}, headers=self.headers)
        self.done.append(f"fill {items}: {answer.status_code}")
        if answer.status_code == 200:
            self.carts.append(Cart(answer.json()["orderId"], answer.json()["sessionId"], items))
        else:
            assert answer.status_code == 409, answer.text
            assert any(before[name] < quantity for name, quantity in items.items()), (before, items)

    def fill_twice(self) -> None:
        """Two carts for the same units, at the same time."""
        lines = [{"tier": "mug", "quantity": 2}]
        calls = [
            self.api.build_request("POST", "/api/cart/checkout", json={"items": lines}, headers=self.headers)
            for _ in range(2)
        ]
        answers = self.world.stack.at_once(calls)
        self.done.append(f"fill twice: {[answer.status_code for answer in answers]}")
        for answer in answers:
            assert answer.status_code in (200, 409), answer.text
            if answer.status_code == 200:
                self.carts.append(Cart(answer.json()["orderId"], answer.json()["sessionId"], {"mug": 2}))

    def pay(self) -> None:
        if cart := self.one("open"):
            session = self.control(f"checkout/{cart.session_id}/pay", {})
            self.happened("checkout.session.completed", session)
            cart.intent = session["payment_intent"]
            cart.status = "paid"

    def debit(self) -> None:
        if cart := self.one("open"):
            session = self.control(f"checkout/{cart.session_id}/pay", {"method": "us_bank_account"})
            self.happened("checkout.session.completed", session)
            cart.intent = session["payment_intent"]
            cart.status = "processing"

    def settle(self) -> None:
        if cart := self.one("processing"):
            outcome = self.random.choice(["succeed", "fail"])
            session = self.control(f"checkout/{cart.session_id}/settle", {"outcome": outcome})
            ending = "succeeded" if outcome == "succeed" else "failed"
            self.happened(f"checkout.session.async_payment_{ending}", session)
            cart.status = "paid" if outcome == "succeed" else "failed"

    def expire(self) -> None:
        if cart := self.one("open"):
            session = self.world.stripe.api(
                "POST", f"checkout/sessions/{cart.session_id}/expire", self.world.seller.account
            )
            self.happened("checkout.session.expired", session)
            cart.status = "expired"

    def refund(self) -> None:
        if cart := self.one("paid", "partially_refunded"):
            left = cart.total - cart.refunded
            amount = left if self.random.random() < 0.6 else self.random.randint(1, left)
            made = self.control("refunds", {"payment_intent": cart.intent, "amount": amount})
            self.happened("charge.refunded", {"id": made["charge"]})
            cart.refunded += amount
            cart.status = "refunded" if cart.refunded == cart.total else "partially_refunded"

    def dispute(self) -> None:
        if cart := self.one("paid", "partially_refunded"):
            dispute = self.control("disputes", {"payment_intent": cart.intent})
            self.happened("charge.dispute.created", dispute)
            cart.status = "disputed"

    def deliver_some(self) -> None:
        count = min(len(self.events), self.random.randint(1, 3))
        self.deliver(self.random.sample(self.events, count))

    def deliver_all(self) -> None:
        """Delivers every event again in a random order, and a third of them twice."""
        events = [*self.events, *self.random.sample(self.events, len(self.events) // 3)]
        self.random.shuffle(events)
        self.deliver(events)

    def deliver(self, events: list[dict[str, Any]]) -> None:
        for index in range(0, len(events), 2):
            pair = events[index : index + 2]
            self.done += [f"deliver {event['type']}" for event in pair]
            answers = send_at_once(self.world.stack, pair)
            assert {answer.status_code for answer in answers} <= {200}, [answer.text for answer in answers]

    def happened(self, kind: str, thing: Mapping[str, Any]) -> None:
        """Stripe has an event of it, which a later step may deliver."""
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

    def check_stock_on_the_way(self) -> None:
        """D1 may not know yet that units came back, but it never offers units that a buyer holds."""
        stock = self.stock()
        for name, units in STOCK.items():
            held = sum(cart.items.get(name, 0) for cart in self.carts if cart.status in HELD)
            assert stock[name] >= 0, self.story()
            assert held <= units, self.story()
            assert stock[name] + held <= units, self.story()

    def check_the_end(self) -> None:
        stock = self.stock()
        for name, units in STOCK.items():
            held = sum(cart.items.get(name, 0) for cart in self.carts if cart.status in HELD)
            assert stock[name] == units - held, self.story()
        answer = self.api.get("/api/orders", params={"limit": 100}, headers=self.headers)
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
        totals = self.api.get("/api/dashboard/totals", headers=self.headers)
        metrics = totals.json()["metrics"]
        sales = [order for order in shown.values() if order["amountPaid"]]
        assert metrics["storeSalesCount"] == len(sales), self.story()
        assert metrics["revenue"] == sum(order["amountPaid"] - order["amountRefunded"] for order in sales), self.story()

    def one(self, *statuses: str) -> Cart | None:
        fitting = [cart for cart in self.carts if cart.status in statuses]
        return self.random.choice(fitting) if fitting else None

    def stock(self) -> dict[str, int]:
        answer = self.api.get("/api/products", headers=self.headers)
        return {product["name"]: product["inventory"] for product in answer.json()["products"]}

    def control(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self.done.append(f"{path} {dict(body)}")
        return self.world.stripe.control(path, body)

    def story(self) -> str:
        return f"seed {self.seed}: " + "; ".join(self.done) + f"; {self.carts}"


def begin(stack: Stack, stripe: StripeControls) -> World:
    """A seller with prices. Stripe sends no webhooks by itself from now on: the stories deliver them."""
    seller = make_seller(stack, stripe)
    prices = {name: make_price(stripe, seller, name, amount) for name, amount in PRICES.items()}
    stripe.control("webhooks/rules", {"drop": True})
    return World(stack, stripe, seller, prices)


def play_all(world: World, seeds: Iterable[int]) -> Counter[str]:
    """Plays one story for each seed, and counts the carts by their last status. Raises AssertionError with the story."""
    products = [{"name": name, "price": PRICES[name], "inventory": units} for name, units in STOCK.items()]
    happened: Counter[str] = Counter()
    for seed in seeds:
        store = make_store(world.stack, world.stripe, world.seller, products, world.prices)
        story = Story(world, seed, store.tenant.headers())
        store.close()
        try:
            story.play()
        except Exception as error:
            raise AssertionError(story.story()) from error
        happened.update(cart.status for cart in story.carts)
    return happened
