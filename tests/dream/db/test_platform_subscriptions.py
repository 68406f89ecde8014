"""What a developer's subscription allows, and how D1 keeps what Stripe says of it: the rules, over SQLite with the real schema."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream.db import platforms, subscription_syncs
from dream.domain.platform_billing import FAR_AWAY, Platform, PlatformSubscription
from dream.runtime.bindings import Bound
from tests.support.in_process.database import SqliteDatabase

SCHEMA = (Path(__file__).parents[3] / "schema.sql").read_text()
NOW = "2026-03-10T00:00:00.000Z"
PLATFORM = "plt_1"


class Store:
    """The schema in memory, with one platform."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect(":memory:")
        self._connection.row_factory = sqlite3.Row
        self._connection.executescript(SCHEMA)
        self.run(platforms.CREATE.bind(PLATFORM, "user_1", NOW))
        self._numbers = itertools.count(1)

    def run(self, *statements: Bound) -> list[sqlite3.Row]:
        rows: list[sqlite3.Row] = []
        with self._connection:
            for bound in statements:
                rows = self._connection.execute(bound.statement, bound.values).fetchall()
        return rows

    def number(self, subscription_id: str) -> int:
        return self.run(subscription_syncs.ISSUE.bind(subscription_id))[0]["answer"]

    def store(self, subscription: PlatformSubscription, number: int | None = None, now: str = NOW) -> None:
        number = number or self.number(subscription.id)
        self.run(
            *platforms.store_subscription(PLATFORM, subscription, number, now),
            subscription_syncs.mark_applied(subscription.id, number),
        )

    def platform(self) -> Platform:
        found = asyncio.run(platforms.find(SqliteDatabase(self._connection), PLATFORM))
        assert found is not None
        return found

    def actions(self) -> list[str]:
        rows = self._connection.execute("SELECT action FROM audit_log ORDER BY auditId").fetchall()
        return [row["action"] for row in rows]

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store()
    yield opened
    opened.close()


def subscription(identifier: str = "sub_1", **changes: Any) -> PlatformSubscription:
    facts: dict[str, Any] = {
        "id": identifier,
        "customer_id": "cus_1",
        "status": "active",
        "current_period_start": "2026-03-01T00:00:00.000Z",
        "current_period_end": "2026-04-01T00:00:00.000Z",
        "cancel_at_period_end": False,
        "cancel_at": None,
        "canceled_at": None,
        "ended_at": None,
        "unpaid_since": None,
    }
    return PlatformSubscription(**{**facts, **changes})


def past_due(since: str, identifier: str = "sub_1") -> PlatformSubscription:
    return subscription(identifier, status="past_due", unpaid_since=since)


def ended(at: str, identifier: str = "sub_1") -> PlatformSubscription:
    return subscription(identifier, status="canceled", canceled_at=at, ended_at=at)


@pytest.mark.parametrize("status", ["active", "trialing"])
def test_a_paid_or_trialing_platform_has_no_end(store: Store, status: str) -> None:
    store.store(subscription(status=status))
    platform = store.platform()
    assert platform.live_keys_until == FAR_AWAY
    assert platform.is_paid(NOW)
    assert platform.to_json(NOW)["liveKeysUntil"] is None


def test_an_overdue_platform_has_a_week_from_the_day_the_payment_was_due(store: Store) -> None:
    store.store(past_due("2026-03-01T00:00:00.000Z"))
    platform = store.platform()
    assert platform.live_keys_until == "2026-03-08T00:00:00.000Z"
    assert platform.is_paid("2026-03-07T23:59:59.999Z")
    assert not platform.is_paid("2026-03-08T00:00:00.000Z")
    store.store(past_due("2026-04-01T00:00:00.000Z"))
    assert store.platform().live_keys_until == "2026-03-08T00:00:00.000Z", "another unpaid month gives no further week"


def test_an_ended_subscription_leaves_a_week_of_live_keys_and_no_paid_plan(store: Store) -> None:
    store.store(subscription())
    store.store(ended("2026-03-09T12:00:00.000Z"))
    platform = store.platform()
    assert platform.live_keys_until == "2026-03-16T12:00:00.000Z"
    assert not platform.is_paid("2026-03-09T12:00:00.001Z")
    assert platform.live_keys_work("2026-03-16T11:59:59.999Z")
    assert not platform.live_keys_work("2026-03-16T12:00:00.000Z")


def test_a_subscription_that_ends_unpaid_gets_no_second_week(store: Store) -> None:
    store.store(past_due("2026-03-01T00:00:00.000Z"))
    store.store(ended("2026-03-20T00:00:00.000Z"))
    assert store.platform().live_keys_until == "2026-03-08T00:00:00.000Z"


def test_an_ended_subscription_never_comes_back_to_life(store: Store) -> None:
    store.store(ended("2026-03-09T00:00:00.000Z"))
    store.store(subscription())
    assert store.platform().subscription_status == "canceled"


def test_another_subscription_takes_the_place_of_an_ended_one_only(store: Store) -> None:
    store.store(subscription("sub_1"))
    store.store(subscription("sub_2"))
    assert store.platform().subscription_id == "sub_1"
    store.store(ended("2026-03-09T00:00:00.000Z", "sub_1"))
    store.store(subscription("sub_2"))
    assert (store.platform().subscription_id, store.platform().live_keys_until) == ("sub_2", FAR_AWAY)
    store.store(ended("2026-03-09T00:00:00.000Z", "sub_1"))
    assert store.platform().subscription_id == "sub_2"


def test_a_read_that_began_earlier_never_overwrites_a_later_one(store: Store) -> None:
    first, second = store.number("sub_1"), store.number("sub_1")
    store.store(subscription(cancel_at="2026-04-01T00:00:00.000Z"), second)
    store.store(subscription(), first)
    assert store.platform().cancel_at == "2026-04-01T00:00:00.000Z"


def test_the_audit_log_has_a_line_for_a_change_and_none_for_a_repeat(store: Store) -> None:
    for _ in range(3):
        store.store(subscription())
    for _ in range(3):
        store.store(subscription(cancel_at_period_end=True))
    for _ in range(3):
        store.store(ended("2026-03-09T00:00:00.000Z"))
    assert store.actions() == ["subscription.active", "subscription.active", "subscription.canceled"]


STATES = (
    subscription(),
    subscription(cancel_at_period_end=True),
    past_due("2026-03-01T00:00:00.000Z"),
    ended("2026-03-09T00:00:00.000Z"),
)


@given(st.permutations(range(len(STATES))), st.lists(st.integers(0, len(STATES) - 1), max_size=6))
def test_reads_stored_in_any_order_and_again_come_to_the_newest(order: list[int], repeats: list[int]) -> None:
    """Each state was read under a number; whatever order they are stored in, what was read last stays."""
    store = Store()
    try:
        numbers = [store.number("sub_1") for _ in STATES]
        for index in (*order, *repeats):
            store.store(STATES[index], numbers[index])
        platform = store.platform()
        assert platform.subscription_status == "canceled"
        assert platform.ended_at == STATES[-1].ended_at
    finally:
        store.close()
