"""Guarantee: stock and money do not depend on the order and the number of times in which readings of Stripe are stored."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream.db import orders
from dream.db.orders import NewOrder
from dream.db.stock import has_too_few
from dream.domain.orders import OrderItem, OrderStatus, Settlement
from dream.errors import ConstraintFailed
from tests.support.in_process.database import SqliteDatabase

NOW = "2026-11-24T12:00:00.000Z"
KEY = "pk_test_store"
UNITS = 5


def store() -> SqliteDatabase:
    db = SqliteDatabase()
    run = db.connection.execute
    run("INSERT INTO platforms (platformId, clerkUserId, createdAt, updatedAt) VALUES ('plt', 'user', ?1, ?1)", (NOW,))
    run(
        "INSERT INTO projects (publishableKey, platformId, name, projectType, mode, createdAt, updatedAt)"
        " VALUES (?1, 'plt', 'Store', 'store', 'test', ?2, ?2)",
        (KEY, NOW),
    )
    for name, inventory in (("mug", UNITS), ("download", None)):
        run(
            "INSERT INTO tiers (publishableKey, name, displayName, price, billingMode, inventory, createdAt, updatedAt)"
            " VALUES (?1, ?2, ?2, 500, 'one_off', ?3, ?4, ?4)",
            (KEY, name, inventory, NOW),
        )
    return db


def new_order(order_id: str = "ord_1", quantity: int = 2, request_hash: str | None = None) -> NewOrder:
    items = tuple(OrderItem(name, name, f"price_{name}", None, 500, quantity) for name in ("mug", "download"))
    return NewOrder(order_id, KEY, None, None, request_hash, "usd", 1000 * quantity, NOW, items)


def begin(db: SqliteDatabase, order: NewOrder) -> None:
    asyncio.run(orders.begin(db, order, NOW))


def settle(db: SqliteDatabase, settlement: Settlement, order_id: str = "ord_1") -> None:
    async def run() -> None:
        order = await orders.find(db, KEY, order_id)
        assert order is not None
        await db.batch(orders.settle(order, settlement, "cs_1", NOW))

    asyncio.run(run())


def inventory(db: SqliteDatabase, name: str = "mug") -> int | None:
    return db.connection.execute("SELECT inventory FROM tiers WHERE name = ?1", (name,)).fetchone()[0]


def totals(db: SqliteDatabase) -> tuple[int, int]:
    return tuple(db.connection.execute("SELECT storeSales, revenue FROM project_totals").fetchone())


def paid(status: OrderStatus, refunded: int = 0) -> Settlement:
    return Settlement(status, "pi_1", 2000, refunded, "usd", NOW, "buyer@example.com")


# What Stripe may say one after the other, of a card, of a debit that fails, of one that succeeds, of nobody paying.
LIVES: Sequence[Sequence[Settlement]] = (
    [Settlement("open"), paid("paid"), paid("partially_refunded", 300), paid("refunded", 2000)],
    [Settlement("open"), paid("paid"), paid("partially_refunded", 300), paid("disputed", 300)],
    [Settlement("open"), Settlement("processing", "pi_1"), paid("paid")],
    [Settlement("open"), Settlement("processing", "pi_1"), Settlement("failed", "pi_1")],
    [Settlement("open"), Settlement("expired")],
)


@given(st.sampled_from(LIVES), st.randoms(use_true_random=False), st.integers(0, 6))
def test_readings_in_any_order_end_where_the_last_one_ends(
    life: Sequence[Settlement], random: object, repeats: int
) -> None:
    db = store()
    begin(db, new_order())
    assert inventory(db) == UNITS - 2
    readings = [*life, *(life[index % len(life)] for index in range(repeats))]
    random.shuffle(readings)  # pyright: ignore[reportAttributeAccessIssue]
    for reading in readings:
        settle(db, reading)
    last = life[-1]
    order = asyncio.run(orders.find(db, KEY, "ord_1"))
    assert order is not None
    assert (order.status, order.amount_paid, order.amount_refunded) == (
        last.status,
        last.amount_paid or 0,
        last.amount_refunded,
    )
    gone = last.status in ("expired", "failed", "refunded")
    assert inventory(db) == (UNITS if gone else UNITS - 2)
    assert inventory(db, "download") is None
    assert totals(db) == ((0, 0) if last.amount_paid is None else (1, 2000 - last.amount_refunded))
    db.connection.close()


def test_too_few_units_make_no_order_at_all() -> None:
    db = store()
    begin(db, new_order("ord_1", 4))
    with pytest.raises(ConstraintFailed) as refused:
        begin(db, new_order("ord_2", 2))
    assert has_too_few(refused.value.detail)
    assert inventory(db) == 1
    assert db.connection.execute("SELECT count(*) FROM orders").fetchone()[0] == 1
    db.connection.close()


def test_a_request_has_one_open_order_at_a_time() -> None:
    db = store()
    begin(db, new_order("ord_1", 1, "request"))
    with pytest.raises(ConstraintFailed) as refused:
        begin(db, new_order("ord_2", 1, "request"))
    assert orders.is_unfinished(refused.value.detail)
    settle(db, Settlement("expired"))
    begin(db, new_order("ord_3", 1, "request"))
    assert inventory(db) == UNITS - 1
    db.connection.close()


def test_a_session_comes_too_late_for_an_order_that_was_given_up() -> None:
    db = store()
    begin(db, new_order())
    asyncio.run(db.batch(orders.abandon(KEY, "ord_1", NOW)))
    assert inventory(db) == UNITS
    assert not asyncio.run(orders.attach_session(db, KEY, "ord_1", "cs_1", NOW))
    db.connection.close()


def test_an_order_with_a_session_is_not_given_up() -> None:
    db = store()
    begin(db, new_order())
    assert asyncio.run(orders.attach_session(db, KEY, "ord_1", "cs_1", NOW))
    asyncio.run(db.batch(orders.abandon(KEY, "ord_1", NOW)))
    order = asyncio.run(orders.find(db, KEY, "cs_1"))
    assert order is not None
    assert order.status == "open"
    assert inventory(db) == UNITS - 2
    db.connection.close()
