"""Guarantee: a checkout opens for what can be bought, one at a time, and is found again after a crash."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support.in_process.stack import InProcessStack
from tests.support.killing import die_at
from tests.support.stack import Stack
from tests.support.stripe_accounts import Saas, StripeControls, make_saas
from tests.support.subscribers import checkout
from tests.support.tenants import make_tenant


def test_a_tier_that_can_not_be_bought_is_refused(stack: Stack, api: httpx.Client, saas: Saas, user: str) -> None:
    headers = saas.tenant.headers(user)

    def refused(body: dict[str, Any], project: Saas | None = None) -> tuple[int, str]:
        chosen = headers if project is None else project.tenant.headers(user)
        answer = api.post("/api/create-checkout", json=body, headers=chosen)
        return answer.status_code, answer.json()["code"]

    assert refused({"tier": "gold"}) == (400, "unknown_plan")
    assert refused({"tier": "free"}) == (422, "free_tier")
    assert refused({"tier": "pro", "priceId": saas.prices["starter"]}) == (400, "wrong_price")
    bad = {"tier": 1, "priceId": 2, "successUrl": "javascript:alert(1)", "cancelUrl": "/relative"}
    answer = api.post("/api/create-checkout", json=bad, headers=headers)
    assert (answer.status_code, set(answer.json()["fields"])) == (400, set(bad))
    lonely = Saas(make_tenant(stack), "", {}, {})
    assert refused({"tier": "pro"}, lonely) == (409, "stripe_not_connected")
    store = Saas(make_tenant(stack, project_type="store", tiers=[{"name": "mug", "price": 500}]), "", {}, {})
    assert refused({"tier": "mug"}, store) == (409, "wrong_project_type")


def test_a_disconnected_account_sells_nothing(
    stack: Stack, stripe: StripeControls, api: httpx.Client, user: str
) -> None:
    project = make_saas(stack, stripe)
    stripe.control("webhooks/rules", {"drop": True})
    stripe.control(f"accounts/{project.account}/disconnect", {"mode": "test"})
    stripe.clear("webhooks/rules")
    answer = api.post("/api/create-checkout", json={"tier": "pro"}, headers=project.tenant.headers(user))
    assert (answer.status_code, answer.json()["code"]) == (409, "stripe_not_connected")


def test_a_new_checkout_replaces_the_open_one(stripe: StripeControls, api: httpx.Client, saas: Saas, user: str) -> None:
    sessions = [checkout(api, saas, user, tier)["sessionId"] for tier in ("starter", "pro", "pro")]
    statuses = [stripe.api("GET", f"checkout/sessions/{each}", saas.account)["status"] for each in sessions]
    assert statuses == ["expired", "expired", "open"]


def test_checkouts_at_once_end_with_one_that_can_be_paid(
    stack: Stack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    headers = saas.tenant.headers(user)
    bodies = [{"tier": ("starter", "pro")[number % 2]} for number in range(8)]
    answers = stack.at_once(
        [api.build_request("POST", "/api/create-checkout", json=body, headers=headers) for body in bodies]
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert any(answer.is_success for answer in answers)
    made = stripe.api("GET", "checkout/sessions", saas.account, limit=100)["data"]
    mine = [each for each in made if each["client_reference_id"] == user]
    assert [each["status"] for each in mine].count("open") == 1
    assert len({each["customer"] for each in mine}) == 1


@pytest.mark.parametrize("step", ["customer-created", "session-created"])
def test_a_checkout_is_found_again_after_a_crash(
    stack: InProcessStack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str, step: str
) -> None:
    die_at(stack, "api-multi", f"create-checkout:{step}", lambda: checkout(api, saas, user))
    opened = checkout(api, saas, user)["sessionId"]
    assert open_sessions(stripe, saas, user) == [opened]


def test_a_checkout_that_dies_when_the_last_one_has_expired_leaves_one_that_can_be_paid(
    stack: InProcessStack, stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    checkout(api, saas, user, "starter")
    die_at(stack, "api-multi", "create-checkout:previous-expired", lambda: checkout(api, saas, user))
    assert open_sessions(stripe, saas, user) == []
    opened = checkout(api, saas, user)["sessionId"]
    assert open_sessions(stripe, saas, user) == [opened]


def test_a_checkout_that_fails_half_way_is_found_again(
    stripe: StripeControls, api: httpx.Client, saas: Saas, user: str
) -> None:
    for step in ("customer-created", "session-created"):
        api.post("/_devstack/checkpoints", json={"armed": {f"create-checkout:{step}": "fail"}})
        failed = api.post("/api/create-checkout", json={"tier": "pro"}, headers=saas.tenant.headers(user))
        assert failed.status_code == 500
    api.post("/_devstack/checkpoints", json={"armed": {}})
    opened = checkout(api, saas, user)["sessionId"]
    made = stripe.api("GET", "checkout/sessions", saas.account, limit=100)["data"]
    assert [each["id"] for each in made if each["client_reference_id"] == user] == [opened]


def open_sessions(stripe: StripeControls, saas: Saas, user: str) -> list[str]:
    """Ids of the user's sessions that can be paid."""
    made = stripe.api("GET", "checkout/sessions", saas.account, limit=100)["data"]
    return [each["id"] for each in made if each["client_reference_id"] == user and each["status"] == "open"]


def test_an_idempotency_key_repeats_the_answer(api: httpx.Client, saas: Saas, user: str) -> None:
    headers = saas.tenant.headers(user, **{"Idempotency-Key": user})
    first, again = (api.post("/api/create-checkout", json={"tier": "pro"}, headers=headers) for _ in range(2))
    assert again.json() == first.json()
    other = api.post("/api/create-checkout", json={"tier": "starter"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
