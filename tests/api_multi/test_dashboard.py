"""Guarantee: the dashboard shows stored facts of its own project, and refuses a bad filter by name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.support.answers import round_trips
from tests.support.crowd import Caller, Size, make_crowd
from tests.support.developers import make_developer
from tests.support.stack import Stack
from tests.support.stores import make_seller, make_store
from tests.support.stripe_accounts import StripeControls
from tests.support.tenants import Tenant, make_tenant

SIZE = Size(users=1_000, subscribers=300, canceled=50, months=3)


def test_a_store_counts_only_money_that_was_paid(stack: Stack, stripe: StripeControls) -> None:
    products = [{"name": "mug", "price": 1200, "inventory": 9}, {"name": "pin", "price": 300, "inventory": 3}]
    store = make_store(stack, stripe, make_seller(stack, stripe), products)
    paid, refunded, abandoned = store.buy({"mug": 2}), store.buy({"pin": 1}), store.buy({"mug": 1})
    store.pay(paid["sessionId"])
    store.pay(refunded["sessionId"])
    store.refund(refunded["sessionId"], 100)
    store.expire(abandoned["sessionId"])
    store.idle()
    shown = store.get("/api/dashboard").json()
    metrics = shown["metrics"]
    assert (metrics["storeSalesCount"], metrics["storeTotalRevenue"], metrics["revenue"]) == (2, 2600, 2600)
    assert (metrics["totalInventory"], metrics["lowStockProducts"]) == (9, 1)
    assert shown["lowStock"] == [{"name": "pin", "displayName": "Pin", "inventory": 2}]
    assert shown["revenueByDay"][-1] == {"date": f"{datetime.now(UTC):%Y-%m-%d}", "amount": 2600}
    assert len(shown["revenueByDay"]) == len(shown["usageByDay"]) == 30
    assert {order["id"]: order["status"] for order in shown["orders"]} == {
        paid["orderId"]: "paid",
        refunded["orderId"]: "partially_refunded",
        abandoned["orderId"]: "expired",
    }
    assert shown["keys"]["stripeAccountId"] == store.seller.account
    recent = {event["type"]: event["status"] for event in shown["webhook"]["recent"]}
    assert recent["checkout.session.expired"] == "handled"
    assert shown["webhook"]["lastEventAt"]
    store.close()


def test_keys_are_shown_masked_only(api: httpx.Client, stack: Stack) -> None:
    tenant = make_tenant(stack)
    answer = api.get("/api/dashboard", headers=tenant.headers())
    assert tenant.secret_key not in answer.text
    keys = answer.json()["keys"]
    assert keys["secretKeyMasked"] == f"{tenant.secret_key[:8]}…{tenant.secret_key[-4:]}"
    assert [key["status"] for key in keys["apiKeys"]] == ["active"]
    assert set(keys["apiKeys"][0]) >= {
        "publishableKey",
        "name",
        "projectType",
        "mode",
        "status",
        "createdAt",
        "lastUsedAt",
    }


def test_a_developer_sees_their_own_projects_and_no_others(
    api: httpx.Client, stack: Stack, stripe: StripeControls
) -> None:
    owner, stranger = (make_developer(stack, stripe, connected=()) for _ in range(2))
    tenant = make_tenant(stack, platform=(owner.platform_id, owner.user_id))
    query = f"?publishableKey={tenant.publishable_key}"
    for path in ("/api/dashboard", "/api/dashboard/totals"):
        mine = owner.request("GET", path + query, worker="api-multi")
        assert mine.status_code == 200, mine.text
        theirs = stranger.request("GET", path + query, worker="api-multi")
        absent = stranger.request("GET", f"{path}?publishableKey=pk_test_{'0' * 38}", worker="api-multi")
        assert theirs.status_code == absent.status_code == 404
        assert theirs.json()["message"] == absent.json()["message"]
        assert owner.request("GET", path, worker="api-multi").status_code == 400
        assert api.get(path + query, headers={"X-Publishable-Key": tenant.publishable_key}).status_code == 401
    other = make_tenant(stack)
    assert api.get(f"/api/dashboard{query}", headers=other.headers()).status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "nonsense"}, "status"),
        ({"limit": "0"}, "limit"),
        ({"limit": "1e3"}, "limit"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"search": "x" * 201}, "search"),
        ({"plan": "nonsense"}, "plan"),
    ],
)
def test_a_bad_filter_is_refused_by_name(api: httpx.Client, stack: Stack, query: dict[str, str], field: str) -> None:
    answer = api.get("/api/dashboard", params=query, headers=make_tenant(stack).headers())
    assert answer.status_code == 400
    assert field in answer.json()["fields"]


@pytest.fixture
def crowd(stack: Stack) -> Tenant:
    """A project with a thousand users."""
    return make_crowd(stack, SIZE)


def test_a_crowds_numbers_are_right(api: httpx.Client, crowd: Tenant) -> None:
    shown = Caller(api, crowd).show(limit=2)
    metrics = shown["metrics"]
    assert metrics["totalCustomers"] == SIZE.users
    assert metrics["activeSubs"] == SIZE.subscribers - SIZE.canceled
    assert metrics["mrr"] == (SIZE.subscribers - SIZE.canceled) * 2900
    assert metrics["usageThisPeriod"] == 3 * SIZE.users
    assert [customer["userId"] for customer in shown["customers"]] == ["user_001000", "user_000999"]
    assert [(customer["plan"], customer["usageCount"], customer["limit"]) for customer in shown["customers"]] == [
        ("free", 3, 100),
        ("free", 3, 100),
    ]


@pytest.mark.parametrize(
    ("query", "first", "count"),
    [
        ({"status": "active"}, "user_000300", None),
        ({"status": "canceled"}, "user_000050", None),
        ({"status": "none"}, "user_001000", None),
        ({"plan": "pro"}, "user_000300", None),
        ({"plan": "Free Plan"}, "user_001000", None),
        ({"plan": "free", "status": "canceled"}, "user_000050", None),
        ({"plan": "pro", "status": "canceled"}, None, 0),
        ({"search": "buyer00012"}, "user_000120", 10),
        ({"search": "BUYER00030", "plan": "pro"}, "user_000300", 1),
        ({"search": "user_000424"}, "user_000424", 1),
        ({"search": "user_000424", "status": "active"}, None, 0),
        ({"search": "nobody"}, None, 0),
    ],
)
def test_filters_and_search_find_the_right_customers(
    api: httpx.Client, crowd: Tenant, query: dict[str, str], first: str | None, count: int | None
) -> None:
    customers = Caller(api, crowd).show(limit=20, **query)["customers"]
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


def test_the_whole_dashboard_is_one_round_trip(api: httpx.Client, crowd: Tenant) -> None:
    for path in ("/api/dashboard", "/api/dashboard/totals"):
        # One of these is a call of a key that the isolate remembers, which it does for seconds.
        taken = [round_trips(api.get(path, headers=crowd.headers())) for _ in range(3)]
        assert {"d1": 1, "kvReads": 0, "kvWrites": 0, "r2": 0, "fetches": 0} in taken
