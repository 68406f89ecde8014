"""Random lives of subscriptions. Events come twice, late and in any order; in the end D1 must say what Stripe says."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from tests.support.outbox import settled
from tests.support.stack import Stack
from tests.support.stripe_accounts import Saas, StripeControls, make_saas
from tests.support.webhooks import send

STEPS = 7
DAY = 24 * 3600
TIERS = ("starter", "pro")
COURIERS = 3
"""How many deliveries are on their way at any moment."""

HANDLED = ("customer.subscription.", "invoice.pa", "checkout.session.completed")
ENDED = ("canceled", "incomplete_expired")
FIELDS = {
    "status": "status",
    "cancel_at_period_end": "cancelAtPeriodEnd",
    "customer": "stripeCustomerId",
}


@dataclass
class Life:
    """One user. `acts` are the names of what the user did."""

    user: str
    acts: list[str] = field(default_factory=list[str])


@dataclass
class World:
    """A project, its Stripe, and the source of chance."""

    stack: Stack
    stripe: StripeControls
    api: httpx.Client
    saas: Saas
    random: Random

    def headers(self, life: Life) -> dict[str, str]:
        return self.saas.tenant.headers(life.user)

    def subscriptions(self, life: Life) -> list[dict[str, Any]]:
        """The user's subscriptions at Stripe, newest first."""
        rows = self.stack.d1("SELECT stripeCustomerId FROM end_users WHERE clerkUserId = ?1", life.user)
        customer = rows[0]["stripeCustomerId"] if rows else None
        if customer is None:
            return []
        query: dict[str, str | int] = {"customer": customer, "status": "all", "limit": 100}
        return self.stripe.api("GET", "subscriptions", self.saas.account, **query)["data"]

    def live(self, life: Life) -> dict[str, Any] | None:
        return next((each for each in self.subscriptions(life) if each["status"] not in ENDED), None)

    def subscribe(self, life: Life) -> None:
        body = {"tier": self.random.choice(TIERS)}
        opened = self.api.post("/api/create-checkout", json=body, headers=self.headers(life)).json()
        if opened["kind"] == "checkout" and self.random.random() < 0.8:
            card = self.random.choice(("4242424242424242", "4242424242424242", "4000000000000341"))
            self.stripe.pay(opened["sessionId"], card=card)

    def update(self, life: Life, **changes: str | int) -> None:
        found = self.live(life)
        if found is not None and found["status"] in ("active", "trialing", "past_due"):
            self.stripe.api("POST", f"subscriptions/{found['id']}", self.saas.account, **changes)

    def switch(self, life: Life) -> None:
        found = self.live(life)
        if found is not None:
            item = found["items"]["data"][0]
            other = next(price for price in self.saas.prices.values() if price != item["price"]["id"])
            self.update(life, **{"items[0][id]": item["id"], "items[0][price]": other})

    def cancel(self, life: Life) -> None:
        if self.random.random() < 0.5:
            self.update(life, cancel_at_period_end="true")
        elif (found := self.live(life)) is not None:
            self.update(life, cancel_at=found["items"]["data"][0]["current_period_end"])

    def undo(self, life: Life) -> None:
        found = self.live(life)
        if found is not None and found["cancel_at_period_end"]:
            self.update(life, cancel_at_period_end="false")
        elif found is not None and found["cancel_at"] is not None:
            self.update(life, cancel_at="")

    def end(self, life: Life) -> None:
        found = self.live(life)
        if found is not None:
            self.stripe.api("DELETE", f"subscriptions/{found['id']}", self.saas.account)

    def fail_payments(self, life: Life) -> None:
        found = self.live(life)
        if found is not None:
            decline = self.random.choice(("generic_decline", None))
            self.stripe.control(f"payment-methods/{found['id']}/behaviour", {"decline": decline})


ACTS: tuple[Callable[[World, Life], None], ...] = (
    World.subscribe,
    World.subscribe,
    World.switch,
    World.cancel,
    World.undo,
    World.end,
    World.fail_payments,
)


def live_side_by_side(stack: Stack, stripe: StripeControls, seed: int, users: int, deliveries: int) -> None:
    """So many users of one project live for a few steps, among so many deliveries at random moments.

    Raises AssertionError if D1 does not say what Stripe says in the end.
    """
    random, saas = Random(seed), make_saas(stack, stripe)
    world = World(stack, stripe, stack.http("api-multi"), saas, random)
    lives = [Life(f"user_life_{seed}_{number}") for number in range(users)]
    stripe.control("webhooks/pause")
    over = threading.Event()
    with ThreadPoolExecutor(COURIERS) as pool:
        try:
            couriers = [
                pool.submit(deliver_at_random, stack, stripe, saas, Random(seed + number), over, deliveries // COURIERS)
                for number in range(COURIERS)
            ]
            for step in range(STEPS):
                for life in lives:
                    act = World.subscribe if step == 0 else random.choice(ACTS)
                    act(world, life)
                    life.acts.append(act.__name__)
                if step in (2, 4):
                    stripe.control("clock", {"advanceSeconds": random.choice((DAY, 8 * DAY, 32 * DAY))})
        finally:
            over.set()
    for courier in couriers:
        courier.result()
    stripe.control("webhooks/rules", {"duplicate": 1, "shuffle": True, "seed": seed})
    stripe.control("webhooks/resume", {"shuffle": True})
    stripe.drained(600)
    stripe.clear("webhooks/rules")
    stripe.control("clock", {"reset": True})
    for life in lives:
        settled(stack, life.user)
        assert_like_stripe(world, life)
    assert_totals(stack, saas)


def deliver_at_random(
    stack: Stack, stripe: StripeControls, saas: Saas, random: Random, over: threading.Event, most: int
) -> None:
    """Delivers events that happened, in any order and any number of times, until it is over or `most` were delivered."""
    delivered = 0
    while delivered < most and not over.is_set():
        latest = stripe.api("GET", "events", saas.account, limit=60)["data"]
        events = [each for each in latest if each["type"].startswith(HANDLED)]
        if events:
            answer = send(stack, {**random.choice(events), "account": saas.account})
            assert answer.status_code in (200, 500, 503), answer.text
            delivered += 1


def assert_like_stripe(world: World, life: Life) -> None:
    """One live subscription at most, the row is Stripe's, the plan is its price's, and the money is what was paid."""
    found = world.subscriptions(life)
    live = [each for each in found if each["status"] not in ENDED]
    rows = world.stack.d1("SELECT * FROM subscriptions WHERE userId = ?1", life.user)
    assert len(live) <= 1, (life, live)
    if live:
        assert len(rows) == 1, life
        row, subscription = rows[0], live[0]
        assert row["subscriptionId"] == subscription["id"], life
    else:
        ended = {each["id"]: each for each in found}
        assert all(each["endedAt"] is not None for each in rows), (life, rows)
        row, subscription = (rows[0], ended[rows[0]["subscriptionId"]]) if rows else ({}, {})
    if row:
        item = subscription["items"]["data"][0]
        assert {name: row[ours] for name, ours in FIELDS.items()} == {
            **{name: subscription[name] for name in FIELDS},
            "cancel_at_period_end": int(subscription["cancel_at_period_end"]),
        }, life
        assert row["priceId"] == item["price"]["id"], life
        assert (row["cancelAt"] is None) == (subscription["cancel_at"] is None), life
        assert world.saas.prices[row["plan"]] == item["price"]["id"], life
    invoices = [
        invoice
        for each in found
        for invoice in world.stripe.api("GET", "invoices", world.saas.account, subscription=each["id"], limit=100)[
            "data"
        ]
        if invoice["amount_paid"] > 0
    ]
    paid = world.stack.d1("SELECT paymentId, amountPaid FROM payments WHERE userId = ?1", life.user)
    assert {each["paymentId"]: each["amountPaid"] for each in paid} == {
        each["id"]: each["amount_paid"] for each in invoices
    }, life


def assert_totals(stack: Stack, saas: Saas) -> None:
    """The running totals are the sums of what they total."""
    key = saas.tenant.publishable_key
    totals = stack.d1("SELECT * FROM project_totals WHERE publishableKey = ?1", key)[0]
    counted = stack.d1(
        "SELECT coalesce(sum(status IN ('active', 'trialing', 'past_due')), 0) AS active,"
        " coalesce(sum(CASE WHEN status IN ('active', 'past_due') THEN monthlyAmount ELSE 0 END), 0) AS monthly"
        " FROM subscriptions WHERE publishableKey = ?1",
        key,
    )[0]
    money = stack.d1(
        "SELECT coalesce(sum(amountPaid - amountRefunded), 0) AS revenue FROM payments WHERE publishableKey = ?1", key
    )[0]
    assert (totals["activeSubscriptions"], totals["monthlyAmount"], totals["revenue"]) == (
        counted["active"],
        counted["monthly"],
        money["revenue"],
    )
