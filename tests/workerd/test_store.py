"""Guarantee: stock never goes below zero and never oversells; what was reserved comes back exactly once. In workerd, on D1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from devstack.stack.stack import Stack
from tests.support.killing import kill_during
from tests.support.stores import FAILING_BANK_ACCOUNT, Store
from tests.support.stripe_accounts import StripeControls
from tests.support.webhooks import send_at_once


@pytest.fixture(autouse=True)
def undisturbed(stripe: StripeControls) -> Iterator[None]:
    """Leaves webhooks as they were."""
    yield
    stripe.clear("webhooks/rules")


def test_a_guests_cart_made_to_be_slow_is_refused_and_holds_nobody_up(stack: Stack, store: Store) -> None:
    """Brackets, then a string that never ends. Before, the reader started again at each of its quotes."""
    body = b"[" + b"[]," * 65 + b'"' + b'\\"' * 30_000
    guest = {"X-Publishable-Key": store.tenant.publishable_key, "Content-Type": "application/json"}
    cart = f"{stack.url('api-multi')}/api/cart/checkout"
    with ThreadPoolExecutor(1) as pool:
        attack = pool.submit(httpx.post, cart, headers=guest, content=body, timeout=10)
        assert httpx.get(f"{stack.url('api-multi')}/health", timeout=10).status_code == 200
        answer = attack.result()
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")


def test_three_carts_race_for_the_last_two(store: Store) -> None:
    answers = store.checkout_at_once([{"poster": 1}] * 3)
    assert Counter(answer.status_code for answer in answers) == {200: 2, 409: 1}
    refused = next(answer for answer in answers if answer.status_code == 409).json()
    assert refused["code"] == "insufficient_stock"
    assert [(item["tier"], item["requested"], item["available"]) for item in refused["items"]] == [("poster", 1, 0)]
    assert store.stock() == {"mug": 5, "poster": 0}

    abandoned, debited = (answer.json() for answer in answers if answer.status_code == 200)
    store.pay(debited["sessionId"], method="us_bank_account", bankAccount=FAILING_BANK_ACCOUNT)
    store.idle()
    assert store.order(debited["orderId"])["status"] == "processing"
    assert store.stock()["poster"] == 0

    store.expire(abandoned["sessionId"])
    store.idle()
    assert store.order(abandoned["orderId"])["status"] == "expired"
    assert store.stock()["poster"] == 1

    refunded = store.buy({"poster": 1})
    store.pay(refunded["sessionId"])
    store.settle(debited["sessionId"], "fail")
    store.idle()
    assert store.order(debited["orderId"])["status"] == "failed"
    paid = store.order(refunded["orderId"])
    assert (paid["status"], paid["amountPaid"]) == ("paid", 1800)
    assert store.stock()["poster"] == 1
    assert store.metrics()["storeTotalRevenue"] == 1800

    store.refund(refunded["sessionId"])
    store.idle()
    order = store.order(refunded["sessionId"])
    assert (order["status"], order["amountPaid"], order["amountRefunded"]) == ("refunded", 1800, 1800)
    assert store.stock() == {"mug": 5, "poster": 2}
    assert (store.metrics()["storeSalesCount"], store.metrics()["storeTotalRevenue"]) == (1, 0)


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


def test_a_cart_killed_half_way_is_finished_by_its_retry_and_sells_once(stack: Stack, store: Store) -> None:
    """The checkout is open at Stripe, and D1 does not know it yet. tests/api_multi kills at every step."""
    headers = store.tenant.headers(**{"Idempotency-Key": "killed"})
    store.stripe.clear("calls")
    held = "cart-checkout:session-created"
    kill_during(stack, "api-multi", [(held, lambda: store.checkout({"mug": 1}, headers))])
    # Half a minute later the dead request's claim may be taken over.
    stack.d1("UPDATE idempotency_keys SET createdAt = strftime('%Y-%m-%dT%H:%M:%fZ', createdAt, '-60 seconds')")
    answer = store.checkout({"mug": 1}, headers)
    assert answer.status_code == 200, answer.text
    made = store.stripe.look("calls", method="POST", path="/v1/checkout/sessions")["calls"]
    assert len([call for call in made if not call["replayed"]]) == 1
    assert store.stock()["mug"] == 4
    store.pay(answer.json()["sessionId"])
    store.idle()
    assert store.order(answer.json()["orderId"])["status"] == "paid"


def test_the_products_route_stays_within_its_round_trips(store: Store) -> None:
    # One of these is a call of a key that the isolate remembers, which it does for seconds.
    taken = [store.get("/api/products").headers["X-Round-Trips"] for _ in range(3)]
    assert min(taken) == "d1=1,kvReads=0,kvWrites=0,r2=0,fetches=0"


def test_a_hundred_carts_race_for_five_mugs(store: Store) -> None:
    answers = store.checkout_at_once([{"mug": 1}] * 100)
    assert Counter(answer.status_code for answer in answers) == {200: 5, 409: 95}
    assert store.stock()["mug"] == 0
