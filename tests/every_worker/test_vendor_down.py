"""Guarantee: with Stripe and Clerk unreachable, every worker says so in the error shape and loses nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.support.clerk_controls import ClerkControls
from tests.support.developers import Developer, make_developer
from tests.support.in_process.stack import InProcessStack
from tests.support.outage import assert_says_so
from tests.support.stripe_accounts import Saas, StripeControls, make_saas

FOR_EVER = 1_000_000
NEW_PROJECT: dict[str, Any] = {
    "mode": "test",
    "projectName": "Notes",
    "projectType": "saas",
    "tiers": [
        {"name": "free", "displayName": "Free", "price": 0, "limit": 10},
        {"name": "pro", "displayName": "Pro", "price": 2900, "limit": 100},
    ],
}


@pytest.fixture
def saas(stack: InProcessStack, stripe: StripeControls) -> Saas:
    return make_saas(stack, stripe)


@pytest.fixture
def developer(stack: InProcessStack, stripe: StripeControls) -> Developer:
    """A developer whose token both workers have verified."""
    known = make_developer(stack, stripe)
    for worker, path in (("oauth-api", "/tiers?publishableKey=x"), ("front-auth-api", "/projects")):
        assert known.request("GET", path, worker=worker).status_code < 500
    return known


def stop_vendors(stack: InProcessStack) -> None:
    for vendor in ("stripe", "clerk"):
        stack.faults_of(vendor).fail(times=FOR_EVER)


@pytest.mark.parametrize(
    ("path", "body"),
    [("/api/create-checkout", {"tier": "pro"}), ("/api/customers", {"email": "new@example.com"})],
)
def test_a_backend_that_asks_for_what_a_vendor_does_gets_a_502_or_503(
    stack: InProcessStack, saas: Saas, path: str, body: Mapping[str, Any]
) -> None:
    stop_vendors(stack)
    user = "user_1" if path == "/api/create-checkout" else None
    assert_says_so(stack.http("api-multi").post(path, json=body, headers=saas.tenant.headers(user)))


@pytest.mark.parametrize(
    ("worker", "path", "body"),
    [("front-auth-api", "/create-checkout", {}), ("oauth-api", "/create-products", NEW_PROJECT)],
)
def test_a_developer_whose_token_is_known_gets_a_502_or_503_and_no_half_project(
    stack: InProcessStack, developer: Developer, worker: str, path: str, body: Mapping[str, Any]
) -> None:
    stop_vendors(stack)
    assert_says_so(developer.request("POST", path, body, worker=worker))
    assert stack.d1("SELECT 1 FROM projects WHERE platformId = ?1", developer.platform_id) == []


@pytest.mark.parametrize(
    ("worker", "method", "path", "proof"),
    [
        ("api-multi", "GET", "/api/usage", "beside a publishable key"),
        ("sign-up", "POST", "/oauth/complete", "beside a publishable key"),
        ("api-multi", "GET", "/api/usage", "beside a secret key"),
        ("front-auth-api", "GET", "/projects", "developer"),
        ("oauth-api", "GET", "/tiers?publishableKey=x", "developer"),
    ],
)
def test_a_token_that_cannot_be_checked_is_a_503_and_never_a_401(
    stack: InProcessStack,
    clerk: ClerkControls,
    saas: Saas,
    developer: Developer,
    worker: str,
    method: str,
    path: str,
    proof: str,
) -> None:
    token = clerk.token("endUsersTest", clerk.make_user("endUsersTest"), expiresIn=3600)
    stop_vendors(stack)
    stack.restart_workers()
    headers = {
        "beside a publishable key": {"X-Publishable-Key": saas.tenant.publishable_key, "X-Clerk-Token": token},
        "beside a secret key": {"Authorization": f"Bearer {saas.tenant.secret_key}", "X-Clerk-Token": token},
        "developer": {"Authorization": f"Bearer {developer.token}"},
    }[proof]
    answer = stack.http(worker).request(method, path, headers=headers)
    assert_says_so(answer, (503,))
    assert answer.headers["retry-after"]


def test_what_needs_no_vendor_is_served(stack: InProcessStack, saas: Saas) -> None:
    stop_vendors(stack)
    api = stack.http("api-multi")
    answer = api.post("/api/data", json={}, headers=saas.tenant.headers("user_1"))
    assert answer.status_code == 200, answer.text
    for worker in ("api-multi", "front-auth-api", "oauth-api", "sign-up"):
        assert stack.http(worker).get("/health?deep=1").status_code == 200


def test_a_checkout_whose_answer_was_lost_is_found_again(
    stack: InProcessStack, stripe: StripeControls, saas: Saas
) -> None:
    api, headers = stack.http("api-multi"), saas.tenant.headers("user_1")
    stack.faults_of("stripe").fail(times=FOR_EVER, takes_effect=True)
    assert_says_so(api.post("/api/create-checkout", json={"tier": "pro"}, headers=headers))
    stack.faults_of("stripe").clear()
    opened: httpx.Response = api.post("/api/create-checkout", json={"tier": "pro"}, headers=headers)
    assert opened.status_code == 200, opened.text
    made = stripe.api("GET", "checkout/sessions", saas.account, limit=100)["data"]
    assert [each["id"] for each in made if each["status"] == "open"] == [opened.json()["sessionId"]]
