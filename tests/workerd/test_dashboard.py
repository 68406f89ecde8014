"""Guarantee: the dashboard of a project with a hundred thousand users is right, and D1 answers it from indexes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from devstack.stack.stack import Stack
from dream.db import dashboard as rows
from dream.db import orders
from dream.db.dashboard import CustomerQuery
from dream.runtime.bindings import Bound
from tests.support.crowd import MONTH, Caller, Size, make_crowd
from tests.support.tenants import Tenant

SIZE = Size(users=100_000, subscribers=30_000, canceled=5_000, months=10)


@pytest.fixture(scope="module")
def crowd(stack: Stack) -> Tenant:
    """A project with a hundred thousand users and a million usage rows."""
    return make_crowd(stack, SIZE)


def test_a_crowds_numbers_are_right(api: httpx.Client, crowd: Tenant) -> None:
    shown = Caller(api, crowd).show(limit=2)
    metrics = shown["metrics"]
    assert metrics["totalCustomers"] == SIZE.users
    assert metrics["activeSubs"] == SIZE.subscribers - SIZE.canceled
    assert metrics["mrr"] == (SIZE.subscribers - SIZE.canceled) * 2900
    assert metrics["usageThisPeriod"] == 3 * SIZE.users
    assert sum(day["count"] for day in shown["usageByDay"]) <= 3 * SIZE.users
    assert [customer["userId"] for customer in shown["customers"]] == ["user_100000", "user_099999"]
    assert [(customer["plan"], customer["usageCount"], customer["limit"]) for customer in shown["customers"]] == [
        ("free", 3, 100),
        ("free", 3, 100),
    ]


@pytest.mark.parametrize(
    ("query", "first", "count"),
    [
        ({"status": "active"}, "user_030000", None),
        ({"status": "canceled"}, "user_005000", None),
        ({"status": "none"}, "user_100000", None),
        ({"plan": "pro"}, "user_030000", None),
        ({"plan": "Free Plan"}, "user_100000", None),
        ({"plan": "free", "status": "canceled"}, "user_005000", None),
        ({"plan": "pro", "status": "canceled"}, None, 0),
        ({"search": "buyer00012"}, "user_000120", 10),
        ({"search": "BUYER03000", "plan": "pro"}, "user_030000", 1),
        ({"search": "user_004242"}, "user_004242", 1),
        ({"search": "user_004242", "status": "active"}, None, 0),
        ({"search": "nobody"}, None, 0),
    ],
)
def test_filters_and_search_find_the_right_customers(
    api: httpx.Client, crowd: Tenant, query: dict[str, str], first: str | None, count: int | None
) -> None:
    shown = Caller(api, crowd).show(limit=20, **query)
    customers = shown["customers"]
    assert (customers[0]["userId"] if customers else None) == first
    assert len(customers) == (20 if count is None else count)
    for customer in customers:
        assert query.get("status") in (None, customer["status"])
        assert "plan" not in query or customer["plan"] in query["plan"].lower()


@pytest.mark.parametrize("query", [{}, {"plan": "free"}, {"plan": "pro"}, {"status": "none"}, {"search": "buyer0"}])
def test_pages_continue_where_the_last_one_ended(api: httpx.Client, crowd: Tenant, query: dict[str, str]) -> None:
    caller = Caller(api, crowd)
    whole = caller.show(limit=100, **query)["customers"]
    paged: list[Any] = []
    cursor: dict[str, str] = {}
    for _ in range(4):
        page = caller.show(limit=25, **query, **cursor)
        paged += page["customers"]
        cursor = {"cursor": page["nextCursor"]}
    assert paged == whole


def reads(stack: Stack, bound: Bound) -> int:
    """How many rows D1 says that it read for a statement."""
    url = f"http://127.0.0.1:{stack.configuration.ports.control}/d1"
    answer = httpx.post(url, json={"sql": str(bound.statement), "params": list(bound.values)}, timeout=60)
    return answer.json()["meta"]["rows_read"]


@pytest.mark.parametrize("plan", [None, "free", "pro"])
@pytest.mark.parametrize("status", [None, "active", "canceled", "none"])
@pytest.mark.parametrize("search", [None, "buyer00012", "user_000500"])
def test_no_page_of_customers_reads_more_than_a_few_rows_per_line(
    stack: Stack, crowd: Tenant, plan: str | None, status: str | None, search: str | None
) -> None:
    for place in (None, ("2026-01-01T05:00:00.000Z", "user_1") if search is None else ("buyer000125@x", "user_1")):
        query = CustomerQuery(plan, plan == "free", status, search, place, 101)
        assert reads(stack, query.bind(crowd.publishable_key, MONTH, MONTH)) < 101 * 12


def test_nothing_else_of_the_dashboard_reads_more_than_it_shows(stack: Stack, crowd: Tenant) -> None:
    key = crowd.publishable_key
    others = [rows.TOTALS.bind(key), rows.USAGE_DAYS.bind(key, MONTH[:10]), rows.REVENUE_DAYS.bind(key, MONTH[:10])]
    for bound in [*others, rows.SECRET_KEYS.bind(key), orders.page(key, None, None, 10)]:
        assert reads(stack, bound) < 100


def test_the_whole_dashboard_is_one_round_trip(api: httpx.Client, crowd: Tenant) -> None:
    for path in ("/api/dashboard", "/api/dashboard/totals"):
        # One of these is a call of a key that the isolate remembers, which it does for seconds.
        taken = [api.get(path, headers=crowd.headers()).headers["X-Round-Trips"] for _ in range(3)]
        assert min(taken) == "d1=1,kvReads=0,kvWrites=0,r2=0,fetches=0"
