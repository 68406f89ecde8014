"""Guarantee: a cart is sold at the store's prices, to its buyer, and never beyond the stock, whatever dies or fails on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.clerk_controls import ClerkControls
from tests.support.in_process.stack import InProcessStack
from tests.support.killing import die_at
from tests.support.stack import Stack
from tests.support.stores import FAILING_BANK_ACCOUNT, MUG, Store, make_seller, make_store
from tests.support.stripe_accounts import StripeControls
from tests.support.tenants import make_tenant


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


def test_a_cart_names_products_in_every_way_and_adds_lines_up(store: Store) -> None:
    [mug, poster] = store.get("/api/products").json()["products"]
    lines = [
        {"priceId": mug["priceId"], "quantity": 1},
        {"productId": mug["productId"], "quantity": 1},
        {"tier": "Mug", "quantity": 1},
        {"tier": "poster", "priceId": poster["priceId"], "quantity": 1},
    ]
    answer = store.post("/api/cart/checkout", {"items": lines, "email": "buyer@example.com"})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) >= {"url", "sessionId", "orderId", "expiresAt"}
    order = store.order(body["orderId"])
    assert [(item["tier"], item["quantity"]) for item in order["items"]] == [("mug", 3), ("poster", 1)]
    assert (order["amountTotal"], order["email"], order["status"]) == (5400, "buyer@example.com", "open")
    session = store.session(body["sessionId"])
    assert session["metadata"] == {"publishableKey": store.tenant.publishable_key, "orderId": body["orderId"]}
    assert session["amount_total"] == 5400

    too_many = store.checkout({"mug": 3, "poster": 2}).json()
    assert [(item["tier"], item["requested"], item["available"]) for item in too_many["items"]] == [
        ("mug", 3, 2),
        ("poster", 2, 1),
    ]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"items"}),
        ({"items": []}, {"items"}),
        ({"items": [{"tier": "mug", "quantity": 1}] * 51}, {"items"}),
        (
            {"items": [{"tier": "mug", "quantity": 0}, {"quantity": 1}, 7]},
            {"items[0].quantity", "items[1]", "items[2]"},
        ),
        ({"items": [{"tier": "mug", "quantity": 100}]}, {"items[0].quantity"}),
        ({"items": [{"tier": "mug", "quantity": True}]}, {"items[0].quantity"}),
        ({"items": [{"tier": "mug", "quantity": 1.5}]}, {"items[0].quantity"}),
        ({"items": [{"tier": "nothing", "quantity": 1}]}, {"items[0]"}),
        ({"items": [{"tier": "mug", "productId": "prod_other", "quantity": 1}]}, {"items[0]"}),
        (
            {"items": "x", "email": "no", "successUrl": "javascript:alert(1)", "cancelUrl": "/relative"},
            {"items", "email", "successUrl", "cancelUrl"},
        ),
    ],
)
def test_a_malformed_cart_is_refused_naming_every_field(store: Store, body: Any, fields: set[str]) -> None:
    answer = store.post("/api/cart/checkout", body)
    assert answer.status_code == 400, answer.text
    assert set(answer.json()["fields"]) == fields
    assert store.stock() == {"mug": 5, "poster": 2}


def test_a_saas_project_has_no_cart(stack: Stack, store: Store) -> None:
    saas = make_tenant(stack)
    answer = store.post("/api/cart/checkout", {"items": [{"tier": "pro", "quantity": 1}]}, saas.headers())
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_project_type")
    products = stack.http("api-multi").get("/api/products", headers=saas.headers())
    assert products.json() == {"products": []}


def test_a_store_without_a_connected_account_cannot_sell(stack: Stack, store: Store) -> None:
    lonely = make_tenant(stack, tiers=[{**MUG, "priceId": "price_x"}], project_type="store")
    answer = store.post("/api/cart/checkout", {"items": [{"tier": "mug", "quantity": 1}]}, lonely.headers())
    assert (answer.status_code, answer.json()["code"]) == (409, "stripe_not_connected")


def test_a_failing_stripe_gives_the_stock_back(store: Store) -> None:
    store.stripe.control("faults", {"method": "POST", "path": "/v1/checkout/sessions", "times": 9, "status": 500})
    answer = store.checkout({"poster": 2})
    assert answer.status_code in (502, 503)
    assert store.stock()["poster"] == 2
    store.stripe.clear("faults")
    assert store.checkout({"poster": 2}).status_code == 200


@pytest.mark.parametrize("checkpoint", ["reserved", "session-created", "attached"])
def test_a_request_that_dies_is_finished_by_its_retry_and_sells_once(
    stack: InProcessStack, store: Store, checkpoint: str
) -> None:
    name = f"cart-checkout:{checkpoint}"
    headers = store.tenant.headers(**{"Idempotency-Key": name})
    store.stripe.clear("calls")
    die_at(stack, "api-multi", name, lambda: store.checkout({"mug": 1}, headers))
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


def test_the_same_idempotency_key_gives_the_first_answer(store: Store) -> None:
    headers = store.tenant.headers(**{"Idempotency-Key": "once"})
    first, again = store.checkout({"mug": 1}, headers), store.checkout({"mug": 1}, headers)
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert store.checkout({"mug": 2}, headers).status_code == 409
    assert store.stock()["mug"] == 4


def test_the_products_route_stays_within_its_round_trips(store: Store) -> None:
    # One of these is a call of a key that the isolate remembers, which it does for seconds.
    taken = [store.get("/api/products").headers["X-Round-Trips"] for _ in range(3)]
    assert min(taken) == "d1=1,kvReads=0,kvWrites=0,r2=0,fetches=0"


def test_a_hundred_carts_race_for_five_mugs(store: Store) -> None:
    answers = store.checkout_at_once([{"mug": 1}] * 100)
    assert Counter(answer.status_code for answer in answers) == {200: 5, 409: 95}
    assert store.stock()["mug"] == 0


def test_a_guest_buys_with_the_publishable_key(store: Store) -> None:
    headers = {"X-Publishable-Key": store.tenant.publishable_key}
    body = store.checkout({"mug": 1}, headers).json()
    assert store.order(body["orderId"])["userId"] is None
    # A user id without a secret key proves nobody.
    body = store.checkout({"mug": 1}, {**headers, "X-User-Id": "user_somebody"}).json()
    assert store.order(body["orderId"])["userId"] is None
    assert store.checkout({"mug": 1}, {**headers, "X-Clerk-Token": "a.b.c"}).status_code == 401
    assert store.checkout({"mug": 1}, {"X-Publishable-Key": "pk_test_nonsense"}).status_code == 401
    for path in ("/api/orders", f"/api/cart/orders/{body['orderId']}"):
        assert store.stack.http("api-multi").get(path, headers=headers).status_code == 401


def test_a_token_proves_the_buyer(stack: Stack, store: Store, open_store: Callable[..., Store]) -> None:
    clerk = ClerkControls(stack)
    buyer = clerk.make_user("endUsersTest")
    token = clerk.token("endUsersTest", buyer)
    key = {"X-Publishable-Key": store.tenant.publishable_key}
    for headers in ({**key, "X-Clerk-Token": token}, {**key, "Authorization": f"Bearer {token}"}):
        body = store.checkout({"mug": 1}, headers).json()
        assert store.order(body["orderId"])["userId"] == buyer
    elsewhere = open_store()
    headers = {"X-Publishable-Key": elsewhere.tenant.publishable_key, "X-Clerk-Token": token}
    answer = elsewhere.checkout({"mug": 1}, headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "project_mismatch")
    assert elsewhere.stock()["mug"] == 5
    clerk.close()


def test_a_backend_may_name_the_buyer(store: Store) -> None:
    body = store.checkout({"mug": 1}, store.tenant.headers("user_buyer")).json()
    assert store.order(body["orderId"])["userId"] == "user_buyer"
    assert store.session(body["sessionId"])["metadata"]["userId"] == "user_buyer"
    assert store.metrics()["totalCustomers"] == 1


def test_prices_come_from_the_store_and_not_from_the_request(store: Store) -> None:
    body = {"items": [{"tier": "mug", "quantity": 1, "price": 1, "unitAmount": 1, "amount": 1}], "currency": "jpy"}
    made = store.post("/api/cart/checkout", body).json()
    assert store.session(made["sessionId"])["amount_total"] == 1200


def test_a_buyer_returns_to_the_shops_own_pages(stack: Stack, store: Store) -> None:
    session = store.session(store.buy({"mug": 1})["sessionId"])
    assert session["success_url"].startswith(f"{stack.url('sign-up')}/account?pk=")
    key = store.tenant.publishable_key
    stack.d1("INSERT INTO redirect_origins (publishableKey, origin) VALUES (?1, 'https://shop.example')", key)
    session = store.session(store.buy({"mug": 1})["sessionId"])
    assert session["success_url"] == session["cancel_url"] == "https://shop.example"
    thanks = "https://shop.example/thanks?session={CHECKOUT_SESSION_ID}"
    made = store.checkout({"mug": 1}, successUrl=thanks, cancelUrl="https://shop.example/cart").json()
    session = store.session(made["sessionId"])
    assert (session["success_url"], session["cancel_url"]) == (thanks, "https://shop.example/cart")


def test_a_live_store_never_touches_test_data(stack: Stack, stripe: StripeControls, store: Store) -> None:
    live = make_store(stack, stripe, make_seller(stack, stripe, "live"), [MUG])
    order = live.buy({"mug": 1})
    assert live.session(order["sessionId"])["livemode"] is True
    live.pay(order["sessionId"])
    live.idle()
    assert live.order(order["orderId"])["status"] == "paid"
    # The same event, signed as test data, or said to be test data, is refused.
    [event] = live.events("checkout.session.completed")
    for number, forged in enumerate(({}, {"livemode": False})):
        changed = {**event, "id": f"evt_forged_{number}_{order['orderId']}", **forged}
        answer = live.deliver(changed, "test")
        assert answer.status_code in (200, 400)
    outcomes = stack.d1("SELECT outcome FROM events WHERE eventId LIKE 'evt_forged_%' || ?1 || '%'", order["orderId"])
    assert {row["outcome"] for row in outcomes} <= {"rejected", "ignored"}
    live.close()
