"""Readings of Stripe may be stored in any order. The row always ends in Stripe's current state."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from dream.domain.connected_account import ConnectedAccount
from dream.domain.subscriptions import ENDED_STATUSES, Owner
from dream.services.subscriptions import subscription_sync
from dream.services.sync import Sync
from tests.support.fake_fetch import Call, FakeFetch, json_answer
from tests.support.world import World

OWNER = Owner("pk_test_mine", "user_1")
ACCOUNT = ConnectedAccount("plt_1", "acct_1", "test")
PRICES = {"price_starter": "starter", "price_pro": "pro"}
SUBSCRIPTIONS = ("sub_a", "sub_b")
MOMENT = "2026-11-24T00:00:00.000Z"
SECONDS = 1_795_000_000

Act = tuple[str, str]
acts = some.one_of(
    some.tuples(some.just("begin"), some.sampled_from(SUBSCRIPTIONS)),
    some.tuples(some.just("switch"), some.sampled_from(SUBSCRIPTIONS)),
    some.tuples(some.just("fail"), some.sampled_from(SUBSCRIPTIONS)),
    some.tuples(some.just("recover"), some.sampled_from(SUBSCRIPTIONS)),
    some.tuples(some.just("cancel"), some.sampled_from(SUBSCRIPTIONS)),
    some.tuples(some.just("end"), some.sampled_from(SUBSCRIPTIONS)),
    some.tuples(some.just("read"), some.sampled_from(SUBSCRIPTIONS)),
    some.tuples(some.just("store"), some.integers(0, 5).map(str)),
)


@dataclass
class Stripe:
    """What Stripe would say of each subscription now, and what was read of it but not stored yet."""

    said: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def answer(self, call: Call) -> Any:
        subscription_id = call.url.rpartition("/")[2]
        if subscription_id not in self.said:
            return json_answer({"error": {"type": "invalid_request_error", "code": "resource_missing"}}, 404)
        return json_answer(self.said[subscription_id])

    def change(self, act: str, subscription_id: str) -> None:
        if act == "begin":
            self.said.setdefault(subscription_id, subscription(subscription_id))
            return
        found = self.said.get(subscription_id)
        if found is None or found["status"] in ENDED_STATUSES:
            return
        if act == "switch":
            price = found["items"]["data"][0]["price"]
            price["id"] = next(each for each in PRICES if each != price["id"])
        elif act == "end":
            found.update(status="canceled", ended_at=SECONDS + 60)
        elif act == "cancel":
            found.update(cancel_at_period_end=not found["cancel_at_period_end"])
        else:
            found.update(status="past_due" if act == "fail" else "active")


def subscription(subscription_id: str) -> dict[str, Any]:
    price = {
        "id": "price_starter",
        "object": "price",
        "product": "prod_1",
        "unit_amount": 900,
        "currency": "usd",
        "recurring": {"interval": "month", "interval_count": 1},
        "active": True,
        "livemode": False,
        "metadata": {},
    }
    item = {
        "id": "si_1",
        "object": "subscription_item",
        "price": price,
        "quantity": 1,
        "current_period_start": SECONDS,
        "current_period_end": SECONDS + 30 * 86400,
    }
    return {
        "id": subscription_id,
        "object": "subscription",
        "status": "active",
        "customer": "cus_1",
        "items": {"object": "list", "data": [item]},
        "cancel_at_period_end": False,
        "cancel_at": None,
        "canceled_at": None,
        "ended_at": None,
        "trial_end": None,
        "created": SECONDS,
        "latest_invoice": "in_1",
        "metadata": OWNER.to_metadata(),
        "livemode": False,
    }


def world_with(stripe: Stripe) -> World:
    world = World(FakeFetch(stripe.answer), {"STRIPE_SECRET_KEY_TEST": "sk_test_x", "STRIPE_API_BASE": "http://stripe"})
    world.db.connection.executescript(f"""
        INSERT INTO platforms (platformId, clerkUserId, createdAt, updatedAt) VALUES ('plt_1', 'user_dev', '{MOMENT}', '{MOMENT}');
        INSERT INTO stripe_tokens (platformId, mode, stripeUserId, scope, connectedAt)
          VALUES ('plt_1', 'test', 'acct_1', 'read_write', '{MOMENT}');
        INSERT INTO projects (publishableKey, platformId, name, projectType, mode, createdAt, updatedAt)
          VALUES ('{OWNER.publishable_key}', 'plt_1', 'Mine', 'saas', 'test', '{MOMENT}', '{MOMENT}');
    """)
    for price, tier in PRICES.items():
        world.db.connection.execute(
            "INSERT INTO tiers (publishableKey, name, displayName, price, billingMode, priceId, createdAt, updatedAt)"
            " VALUES (?, ?, ?, 900, 'subscription', ?, ?, ?)",
            (OWNER.publishable_key, tier, tier, price, MOMENT, MOMENT),
        )
    return world


def row_of(world: World) -> dict[str, Any] | None:
    row = world.db.connection.execute("SELECT * FROM subscriptions").fetchone()
    return None if row is None else dict(row)


def owed(world: World) -> set[str]:
    rows = world.db.connection.execute("SELECT subject FROM outbox WHERE kind = 'end_second_subscription'").fetchall()
    return {row["subject"] for row in rows}


async def read(world: World, subscription_id: str) -> Sync:
    return await subscription_sync.sync(world.context, ACCOUNT, OWNER, subscription_id)


async def live_through(told: list[Act], last: list[str]) -> None:
    stripe = Stripe()
    world = world_with(stripe)
    unstored: list[Sync] = []
    ended: set[str] = set()
    for act, name in told:
        if act == "read":
            unstored.append(await read(world, name))
        elif act == "store":
            if int(name) < len(unstored):
                await world.db.batch(unstored.pop(int(name)).statements)
        else:
            stripe.change(act, name)
        assert_ended_stays_ended(world, ended)
    # Every change is followed by an event, so that the last reading of each subscription begins after its last change.
    for name in last:
        await world.db.batch((await read(world, name)).statements)
    for late in unstored:
        await world.db.batch(late.statements)
        assert_ended_stays_ended(world, ended)
    assert_as_stripe_says(world, stripe)


def assert_ended_stays_ended(world: World, ended: set[str]) -> None:
    row = row_of(world)
    if row is None:
        return
    if row["endedAt"] is not None:
        ended.add(row["subscriptionId"])
    else:
        assert row["subscriptionId"] not in ended


def assert_as_stripe_says(world: World, stripe: Stripe) -> None:
    row = row_of(world)
    live = {name for name, said in stripe.said.items() if said["status"] not in ENDED_STATUSES}
    if row is None:
        assert not live
        return
    said = stripe.said[row["subscriptionId"]]
    assert (row["status"], row["cancelAtPeriodEnd"]) == (said["status"], int(said["cancel_at_period_end"]))
    assert row["plan"] == PRICES[said["items"]["data"][0]["price"]["id"]]
    assert (row["pastDueSince"] is None) == (said["status"] != "past_due")
    # Each other live subscription at Stripe has a pending effect that ends it.
    assert live - {row["subscriptionId"]} <= owed(world)
    assert row["subscriptionId"] not in owed(world) or row["endedAt"] is not None


@given(some.lists(acts, max_size=25), some.permutations(SUBSCRIPTIONS))
def test_the_row_ends_up_as_stripe_says(told: list[Act], last: list[str]) -> None:
    asyncio.run(live_through(told, last))


def test_past_due_counts_from_the_first_time() -> None:
    async def story() -> None:
        stripe = Stripe()
        world = world_with(stripe)
        for act in ("begin", "fail"):
            stripe.change(act, "sub_a")
            await world.db.batch((await read(world, "sub_a")).statements)
        first = row_of(world)
        assert first is not None
        await asyncio.sleep(0.005)
        await world.db.batch((await read(world, "sub_a")).statements)
        again = row_of(world)
        assert again is not None
        assert again["pastDueSince"] == first["pastDueSince"] is not None
        assert again["updatedAt"] > first["updatedAt"]

    asyncio.run(story())


def test_a_subscription_that_is_owed_its_end_is_not_kept() -> None:
    """A customer was deleted; an event of their subscription comes before Stripe has heard."""

    async def story() -> None:
        stripe = Stripe()
        world = world_with(stripe)
        stripe.change("begin", "sub_a")
        world.db.connection.execute(
            "INSERT INTO outbox (kind, subject, payload, nextAttemptAt, createdAt)"
            f" VALUES ('cancel_subscription', 'sub_a', '{{}}', '{MOMENT}', '{MOMENT}')"
        )
        await world.db.batch((await read(world, "sub_a")).statements)
        assert row_of(world) is None
        assert world.db.connection.execute("SELECT * FROM end_users").fetchall() == []

    asyncio.run(story())


def test_a_read_that_began_earlier_never_overwrites_a_later_one() -> None:
    acts_before = [("begin", "sub_a"), ("read", "sub_a"), ("store", "0"), ("read", "sub_a"), ("switch", "sub_a")]
    asyncio.run(live_through(acts_before, ["sub_a"]))
