"""Guarantee: an order shows what Stripe says of its payment, and its stock comes back exactly once, whatever events come."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.stack import Stack
from tests.support.stores import Store, make_seller
from tests.support.stripe_accounts import StripeControls
from tests.support.webhooks import send_at_once


def test_a_partial_refund_counts_and_gives_no_stock_back(store: Store) -> None:
    order = store.buy({"mug": 2, "poster": 1})
    store.pay(order["sessionId"])
    store.refund(order["sessionId"], 500)
    store.idle()
    found = store.order(order["orderId"])
    assert (found["status"], found["amountPaid"], found["amountRefunded"]) == ("partially_refunded", 4200, 500)
    assert store.stock() == {"mug": 3, "poster": 1}
    store.refund(order["sessionId"])
    store.idle()
    assert store.order(order["orderId"])["amountRefunded"] == 4200
    assert store.stock() == {"mug": 5, "poster": 2}
    assert store.metrics()["revenue"] == 0


def test_a_disputed_order_keeps_its_stock(store: Store) -> None:
    order = store.buy({"mug": 1})
    store.pay(order["sessionId"])
    store.dispute(order["sessionId"])
    store.idle()
    assert store.order(order["orderId"])["status"] == "disputed"
    assert store.stock()["mug"] == 4


@pytest.mark.parametrize("order_of_events", ["refund first", "completed last of all"])
def test_events_in_any_order_end_in_the_same_order_and_stock(store: Store, order_of_events: str) -> None:
    store.stripe.control("webhooks/rules", {"drop": True})
    order = store.buy({"mug": 1})
    store.pay(order["sessionId"])
    store.refund(order["sessionId"])
    mine = [event for event in store.events() if order["orderId"] in str(event)]
    kinds = {event["type"]: event for event in mine}
    first = kinds["charge.refunded"], kinds["checkout.session.completed"]
    for event in [*first, *first] if order_of_events == "refund first" else [first[0], first[0], first[1]]:
        assert store.deliver(event).status_code == 200
    found = store.order(order["orderId"])
    assert (found["status"], found["amountPaid"], found["amountRefunded"]) == ("refunded", 1200, 1200)
    assert store.stock()["mug"] == 5
    assert (store.metrics()["storeSalesCount"], store.metrics()["revenue"]) == (1, 0)


def test_one_event_delivered_ten_times_at_once_counts_once(store: Store) -> None:
    store.stripe.control("webhooks/rules", {"drop": True})
    order = store.buy({"mug": 2})
    store.expire(order["sessionId"])
    [event] = [
        event
        for event in store.events("checkout.session.expired")
        if event["data"]["object"]["id"] == order["sessionId"]
    ]
    answers = send_at_once(store.stack, [event] * 10)
    assert {answer.status_code for answer in answers} == {200}
    assert store.stock()["mug"] == 5


def test_orders_are_paged_and_filtered(store: Store) -> None:
    made = [store.buy({"mug": 1})["orderId"] for _ in range(3)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = store.get("/api/orders", limit=2, **({"cursor": cursor} if cursor else {})).json()
        seen += [order["id"] for order in page["orders"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert seen == made[::-1]
    assert len(store.get("/api/orders", status="open").json()["orders"]) == 3
    assert store.get("/api/orders", status="paid").json() == {"orders": [], "nextCursor": None}
    for bad in ({"status": "nonsense"}, {"limit": "0"}, {"limit": "101"}, {"cursor": "!"}, {"cursor": "WzFd"}):
        assert store.get("/api/orders", **bad).status_code == 400, bad


def test_another_tenants_order_is_a_404_like_an_unknown_one(store: Store, open_store: Callable[..., Store]) -> None:
    other = open_store()
    order = store.buy({"mug": 1})
    absent = store.get("/api/cart/orders/ord_absent")
    for name in (order["orderId"], order["sessionId"]):
        answer = other.get(f"/api/cart/orders/{name}")
        assert answer.status_code == 404
        assert answer.json()["message"] == absent.json()["message"]
    assert other.get("/api/orders").json()["orders"] == []


def test_events_that_name_another_tenants_project_change_nothing(
    stack: Stack, stripe: StripeControls, store: Store
) -> None:
    store.stripe.control("webhooks/rules", {"drop": True})
    order = store.buy({"mug": 1})
    store.expire(order["sessionId"])
    [event] = [
        event
        for event in store.events("checkout.session.expired")
        if event["data"]["object"]["id"] == order["sessionId"]
    ]
    stranger = make_seller(stack, stripe)
    for number, account in enumerate((stranger.account, "acct_nobody", None)):
        answer = store.deliver({**event, "id": f"{event['id']}_{number}", "account": account})
        assert answer.status_code == 200
        [row] = stack.d1("SELECT outcome FROM events WHERE eventId = ?1", f"{event['id']}_{number}")
        assert row["outcome"] in ("rejected", "ignored")
    assert store.deliver({**event, "id": f"{event['id']}_live", "livemode": True}).status_code == 400
    assert store.order(order["orderId"])["status"] == "open"
    assert store.stock()["mug"] == 4
