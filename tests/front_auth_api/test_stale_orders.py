"""Guarantee: the schedule closes orders that no event closed, so that their stock comes back."""

from __future__ import annotations

from tests.support.stack import Stack
from tests.support.stores import Store


def run_schedule(stack: Stack) -> None:
    stack.run_scheduled("front-auth-api")


def age(stack: Stack, order_id: str, column: str) -> None:
    """Lets three hours pass for one order."""
    stack.d1(
        f"UPDATE orders SET {column} = strftime('%Y-%m-%dT%H:%M:%fZ', {column}, '-3 hours') WHERE orderId = ?1",
        order_id,
    )


def test_the_schedule_closes_orders_that_no_event_closed(stack: Stack, store: Store) -> None:
    store.stripe.control("webhooks/rules", {"drop": True})
    expired, paid, forgotten, debited = (store.buy({"mug": 1}) for _ in range(4))
    store.expire(expired["sessionId"])
    store.pay(paid["sessionId"])
    store.pay(debited["sessionId"], method="us_bank_account")
    for order in (expired, paid, forgotten, debited):
        age(stack, order["orderId"], "expiresAt")
    run_schedule(stack)
    statuses = [store.order(order["orderId"])["status"] for order in (expired, paid, forgotten, debited)]
    assert statuses == ["expired", "paid", "expired", "processing"]
    assert store.session(forgotten["sessionId"])["status"] == "expired"
    assert store.stock()["mug"] == 3
    assert store.metrics()["storeTotalRevenue"] == 1200


def test_the_schedule_fails_an_order_that_never_got_a_session(stack: Stack, store: Store) -> None:
    stack.http("api-multi").post("/_devstack/checkpoints", json={"armed": {"cart-checkout:session-created": "fail"}})
    assert store.checkout({"mug": 2}).status_code == 500
    [order] = store.get("/api/orders").json()["orders"]
    assert (order["status"], order["sessionId"], store.stock()["mug"]) == ("open", None, 3)
    run_schedule(stack)
    assert store.order(order["id"])["status"] == "open"
    age(stack, order["id"], "createdAt")
    run_schedule(stack)
    assert store.order(order["id"])["status"] == "failed"
    assert store.stock()["mug"] == 5
