"""What tests rely on: the stack leaves nothing to wait for, crashes and fails as it is told, and remembers nothing."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.support.in_process.stack import InProcessStack
from tests.support.killing import kill_during
from tests.support.stores import make_seller, make_store
from tests.support.stripe_accounts import StripeControls, make_saas
from tests.support.tenants import make_tenant

USER = "user_ada"
MUG = [{"name": "mug", "price": 1200, "inventory": 5}]


def test_webhooks_are_delivered_when_the_buyer_has_paid(stack: InProcessStack, stripe: StripeControls) -> None:
    saas = make_saas(stack, stripe)
    api, headers = stack.http("api-multi"), saas.tenant.headers(USER)
    session = api.post("/api/create-checkout", json={"tier": "pro"}, headers=headers).json()["sessionId"]
    stripe.pay(session)
    assert api.get("/api/usage", headers=headers).json()["plan"] == "pro"


def test_a_paused_stripe_delivers_when_told(stack: InProcessStack, stripe: StripeControls) -> None:
    store = make_store(stack, stripe, make_seller(stack, stripe), MUG)
    bought = store.buy({"mug": 1})
    stripe.control("webhooks/pause")
    stripe.pay(bought["sessionId"])
    assert store.order(bought["orderId"])["status"] == "open"
    stack.deliver()
    assert store.order(bought["orderId"])["status"] == "paid"
    store.close()


def test_a_failed_delivery_is_tried_again_when_told(stack: InProcessStack, stripe: StripeControls) -> None:
    store = make_store(stack, stripe, make_seller(stack, stripe), MUG)
    bought = store.buy({"mug": 1})
    stack.d1_faults.fail(times=100)
    stripe.pay(bought["sessionId"])
    stack.d1_faults.clear()
    assert store.order(bought["orderId"])["status"] == "open"
    stack.deliver()
    assert store.order(bought["orderId"])["status"] == "paid"
    store.close()


def test_time_moves_for_all_at_once(stack: InProcessStack, stripe: StripeControls) -> None:
    day = 24 * 3600
    stripe.control("clock", {"advanceSeconds": day})
    for service in ("api-multi", "sign-up", "clerk"):
        assert stack.http(service).get("/_devstack/clock").json()["offsetSeconds"] == day
    assert stack.clock.now() == pytest.approx(time.time() + day, abs=5)


@pytest.mark.parametrize("action", ["kill", "hang"])
def test_a_request_dies_at_its_checkpoint_without_an_answer(
    stack: InProcessStack, stripe: StripeControls, action: str
) -> None:
    store = make_store(stack, stripe, make_seller(stack, stripe), MUG)
    if action == "hang":
        kill_during(stack, "api-multi", [("cart-checkout:reserved", lambda: store.checkout({"mug": 1}))])
    else:
        api = stack.http("api-multi")
        api.post("/_devstack/checkpoints", json={"armed": {"cart-checkout:reserved": "kill"}})
        with pytest.raises(httpx.RemoteProtocolError):
            store.checkout({"mug": 1})
        api.post("/_devstack/checkpoints", json={"armed": {}})
    assert store.checkout({"mug": 1}).status_code == 200
    store.close()


def test_a_vendor_that_is_unreachable_is_a_503_and_loses_nothing(stack: InProcessStack, stripe: StripeControls) -> None:
    saas = make_saas(stack, stripe)
    api, headers = stack.http("api-multi"), saas.tenant.headers(USER)
    stack.faults_of("stripe").fail(times=100)
    answer = api.post("/api/create-checkout", json={"tier": "pro"}, headers=headers)
    assert answer.status_code == 503
    stack.faults_of("stripe").clear()
    assert api.post("/api/create-checkout", json={"tier": "pro"}, headers=headers).status_code == 200


def test_a_database_that_fails_is_a_503_and_counts_nothing(stack: InProcessStack) -> None:
    tenant = make_tenant(stack)
    api, headers = stack.http("api-multi"), tenant.headers(USER)
    assert api.post("/api/data", headers=headers).status_code == 200
    stack.d1_faults.fail()
    assert api.post("/api/data", headers=headers).status_code == 503
    assert api.post("/api/data", headers=headers).json()["usage"]["count"] == 2


def test_calls_over_the_rate_are_refused_until_the_minute_is_over(stack: InProcessStack) -> None:
    tenant = make_tenant(stack)
    stack.bindings.rate_limiter.limit = 2
    api, headers = stack.http("api-multi"), tenant.headers(USER)
    assert [api.get("/api/usage", headers=headers).status_code for _ in range(3)] == [200, 200, 429]
    stack.clock.offset_seconds += 60
    assert api.get("/api/usage", headers=headers).status_code == 200


def test_a_new_stack_remembers_nothing(stack: InProcessStack, stripe: StripeControls) -> None:
    make_saas(stack, stripe)
    stripe.control("webhooks/pause")
    stack.close()
    fresh = InProcessStack()
    assert fresh.d1("SELECT * FROM platforms") == []
    assert fresh.http("stripe").get("/_devstack/webhooks").json() == {"deliveries": [], "paused": False}
    fresh.close()
