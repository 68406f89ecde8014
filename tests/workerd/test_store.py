"""Guarantee: stock never goes below zero and never oversells; what was reserved comes back exactly once. In workerd, on D1."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from devstack.stack.stack import Stack
from tests.support.clerk_controls import ClerkControls
from tests.support.stores import Seller, Store, make_seller, make_store
from tests.support.stripe_accounts import StripeControls
from tests.support.tenants import make_tenant

FAILING_BANK_ACCOUNT = "000111111113"
MUG = {"name": "mug", "price": 1200, "inventory": 5}
POSTER = {"name": "poster", "price": 1800, "inventory": 2}


@pytest.fixture(scope="module")
def seller(stack: Stack, stripe: StripeControls) -> Seller:
    return make_seller(stack, stripe)


@pytest.fixture
def open_store(stack: Stack, stripe: StripeControls, seller: Seller) -> Iterator[Callable[..., Store]]:
    """Makes stores of the seller, and puts right afterwards what a test disturbed."""
    made: list[Store] = []

    def open_one() -> Store:
        made.append(make_store(stack, stripe, seller, [MUG, POSTER]))
        return made[-1]

    yield open_one
    for store in made:
        store.close()
    stripe.clear("faults")
    stripe.clear("webhooks/rules")
    httpx.post(f"{stack.url('api-multi')}/_devstack/checkpoints", json={"armed": {}})


@pytest.fixture
def store(open_store: Callable[..., Store]) -> Store:
    return open_store()


def at_once(calls: list[Any]) -> list[httpx.Response]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: call(), calls))


def test_a_guests_cart_made_to_be_slow_is_refused_and_holds_nobody_up(stack: Stack, store: Store) -> None:
    """Brackets, then a string that never ends: each of its quotes once made the reader start anew."""
    body = b"[" + b"[]," * 65 + b'"' + b'\\"' * 30_000
    guest = {"X-Publishable-Key": store.tenant.publishable_key, "Content-Type": "application/json"}
    cart = f"{stack.url('api-multi')}/api/cart/checkout"
    with ThreadPoolExecutor(1) as pool:
        attack = pool.submit(httpx.post, cart, headers=guest, content=body, timeout=10)
        assert httpx.get(f"{stack.url('api-multi')}/health", timeout=10).status_code == 200
        answer = attack.result()
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")


def test_three_carts_race_for_the_last_two(store: Store) -> None:
    answers = at_once([lambda: store.checkout({"poster": 1})] * 3)
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


def test_a_dispute_shows_and_keeps_the_stock_sold(store: Store) -> None:
    order = store.buy({"mug": 1})
    store.pay(order["sessionId"])
    store.dispute(order["sessionId"])
    store.idle()
    assert store.order(order["orderId"])["status"] == "disputed"
    assert store.stock()["mug"] == 4


@pytest.mark.parametrize("order_of_events", ["refund first", "completed last of all"])
def test_events_in_any_order_come_to_the_same(store: Store, order_of_events: str) -> None:
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
    answers = at_once([lambda: store.deliver(event)] * 10)
    assert {answer.status_code for answer in answers} == {200}
    assert store.stock()["mug"] == 5


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
    products = httpx.get(f"{stack.url('api-multi')}/api/products", headers=saas.headers())
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
    stack: Stack, store: Store, checkpoint: str
) -> None:
    name = f"cart-checkout:{checkpoint}"
    headers = store.tenant.headers(**{"Idempotency-Key": name})
    hooks = f"{stack.url('api-multi')}/_devstack/checkpoints"
    httpx.post(hooks, json={"armed": {name: "hang"}})
    store.stripe.clear("calls")
    dying = threading.Thread(target=_ignore_errors, args=(lambda: store.checkout({"mug": 1}, headers),))
    dying.start()
    _until(lambda: name in httpx.get(hooks).json()["reached"])
    stack.kill_workers()
    dying.join()
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


def _ignore_errors(call: Any) -> None:
    try:
        call()
    except httpx.HTTPError:
        return


def _until(holds: Any) -> None:
    for _ in range(2000):
        if holds():
            return
    raise AssertionError("it never came to that")


def test_the_same_idempotency_key_gives_the_first_answer(store: Store) -> None:
    headers = store.tenant.headers(**{"Idempotency-Key": "once"})
    first, again = store.checkout({"mug": 1}, headers), store.checkout({"mug": 1}, headers)
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert store.checkout({"mug": 2}, headers).status_code == 409
    assert store.stock()["mug"] == 4


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


def test_another_tenants_order_is_as_good_as_none(store: Store, open_store: Callable[..., Store]) -> None:
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


def test_the_products_route_stays_within_its_round_trips(store: Store) -> None:
    # One of these is a call of a key that the isolate remembers, which it does for seconds.
    taken = [store.get("/api/products").headers["X-Round-Trips"] for _ in range(3)]
    assert min(taken) == "d1=1,kvReads=0,kvWrites=0,r2=0,fetches=0"


def test_a_hundred_carts_race_for_five_mugs(stack: Stack, store: Store) -> None:
    async def race() -> list[int]:
        limits = httpx.Limits(max_connections=30)
        async with httpx.AsyncClient(base_url=stack.url("api-multi"), timeout=60, limits=limits) as client:
            body = {"items": [{"tier": "mug", "quantity": 1}]}
            calls = [client.post("/api/cart/checkout", json=body, headers=store.tenant.headers()) for _ in range(100)]
            return [answer.status_code for answer in await asyncio.gather(*calls)]

    assert Counter(asyncio.run(race())) == {200: 5, 409: 95}
    assert store.stock()["mug"] == 0


def sweep(stack: Stack) -> None:
    stack.run_scheduled("front-auth-api")


def age(stack: Stack, order_id: str, column: str) -> None:
    """Lets three hours pass for one order."""
    stack.d1(
        f"UPDATE orders SET {column} = strftime('%Y-%m-%dT%H:%M:%fZ', {column}, '-3 hours') WHERE orderId = ?1",
        order_id,
    )


def test_the_schedule_settles_what_no_event_did(stack: Stack, store: Store) -> None:
    store.stripe.control("webhooks/rules", {"drop": True})
    expired, paid, forgotten, debited = (store.buy({"mug": 1}) for _ in range(4))
    store.expire(expired["sessionId"])
    store.pay(paid["sessionId"])
    store.pay(debited["sessionId"], method="us_bank_account")
    for order in (expired, paid, forgotten, debited):
        age(stack, order["orderId"], "expiresAt")
    sweep(stack)
    statuses = [store.order(order["orderId"])["status"] for order in (expired, paid, forgotten, debited)]
    assert statuses == ["expired", "paid", "expired", "processing"]
    assert store.session(forgotten["sessionId"])["status"] == "expired"
    assert store.stock()["mug"] == 3
    assert store.metrics()["storeTotalRevenue"] == 1200


def test_the_schedule_gives_up_an_order_that_never_got_a_session(stack: Stack, store: Store) -> None:
    hooks = f"{stack.url('api-multi')}/_devstack/checkpoints"
    httpx.post(hooks, json={"armed": {"cart-checkout:session-created": "fail"}})
    assert store.checkout({"mug": 2}).status_code == 500
    [order] = store.get("/api/orders").json()["orders"]
    assert (order["status"], order["sessionId"], store.stock()["mug"]) == ("open", None, 3)
    sweep(stack)
    assert store.order(order["id"])["status"] == "open"
    age(stack, order["id"], "createdAt")
    sweep(stack)
    assert store.order(order["id"])["status"] == "failed"
    assert store.stock()["mug"] == 5


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
        assert httpx.get(f"{store.stack.url('api-multi')}{path}", headers=headers).status_code == 401


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


def test_a_backend_names_the_buyer(store: Store) -> None:
    body = store.checkout({"mug": 1}, store.tenant.headers("user_buyer")).json()
    assert store.order(body["orderId"])["userId"] == "user_buyer"
    assert store.session(body["sessionId"])["metadata"]["userId"] == "user_buyer"
    assert store.metrics()["totalCustomers"] == 1


def test_prices_come_from_the_store_and_not_from_the_request(store: Store) -> None:
    body = {"items": [{"tier": "mug", "quantity": 1, "price": 1, "unitAmount": 1, "amount": 1}], "currency": "jpy"}
    made = store.post("/api/cart/checkout", body).json()
    assert store.session(made["sessionId"])["amount_total"] == 1200


def test_buyers_come_back_to_the_shop(stack: Stack, store: Store) -> None:
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
