"""Guarantee: a series has each day once, numbers come from stored facts, and expired keys are shown as expired."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dream.domain.dashboard import DAYS_SHOWN, ProjectTotals, SecretKeyState, first_day_of, low_stock, metrics, series
from dream.domain.tiers import Tier
from tests.dream.domain.test_cart import product

TOTALS = ProjectTotals(
    end_users=7,
    active_subscriptions=3,
    canceling_subscriptions=1,
    monthly_amount=8700,
    revenue=12000,
    store_sales=4,
    store_revenue=3300,
)


@given(st.dates(min_value=date(2001, 1, 1), max_value=date(2100, 1, 1)))
def test_a_series_is_thirty_days_that_end_today(today: date) -> None:
    shown = series({today.isoformat(): 5}, "amount", today.isoformat())
    days = [date.fromisoformat(day["date"]) for day in shown]
    assert len(days) == DAYS_SHOWN
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(days))
    assert (days[-1], shown[-1]["amount"]) == (today, 5)
    assert sum(day["amount"] for day in shown) == 5


@given(st.dates(min_value=date(2001, 1, 1), max_value=date(2100, 1, 1)))
def test_what_is_read_covers_the_month_and_the_series(today: date) -> None:
    first = date.fromisoformat(first_day_of(today.isoformat()))
    assert first <= today.replace(day=1)
    assert first <= today - timedelta(days=DAYS_SHOWN - 1)


def stocked(**inventory: int | None) -> list[Tier]:
    return [product(name, inventory=units) for name, units in inventory.items()]


def test_metrics_count_this_months_calls_and_the_stock_that_is_tracked() -> None:
    days = {"2026-10-31": 100, "2026-11-01": 1, "2026-11-24": 2}
    shown = metrics(TOTALS, days, stocked(mug=6, pin=5, poster=0, download=None), "2026-11-24")
    assert shown["usageThisPeriod"] == 3
    assert (shown["totalInventory"], shown["lowStockProducts"]) == (11, 2)
    assert (shown["mrr"], shown["revenue"], shown["storeTotalRevenue"]) == (8700, 12000, 3300)
    assert shown["currency"] == "usd"


def test_the_lowest_stock_comes_first() -> None:
    assert [each["name"] for each in low_stock(stocked(pin=5, mug=6, poster=0))] == ["poster", "pin"]


def test_a_key_whose_grace_time_is_over_is_expired() -> None:
    key = SecretKeyState("sk_test_…abcd", "active", expires_at=None, created_at="", last_used_at=None)
    assert key.status_at("2026-11-24") == "active"
    assert replace(key, expires_at="2026-11-23").status_at("2026-11-24") == "expired"
    assert replace(key, expires_at="2026-11-23", status="revoked").to_json("2026-11-24")["status"] == "revoked"
