"""With Stripe and Clerk gone, or silent, every worker says so in the error shape, soon, and loses nothing. In workerd."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from devstack.stack.ports import Ports
from devstack.stack.stack import Stack
from tests.support.clerk_controls import ClerkControls
from tests.support.developers import Developer, make_developer
from tests.support.stripe_accounts import Saas, StripeControls, make_saas

LONGEST_SECONDS = 14.0
"""One timeout of ten seconds, and what it takes besides."""


@dataclass
class Outage:
    """A stack, somebody at each of its doors, and what to switch off."""

    stack: Stack
    saas: Saas
    developer: Developer
    newcomer: Developer
    user_token: str

    def stop_vendors(self) -> None:
        for service in self.stack.services:
            if service.name in ("stripe", "clerk"):
                service.stop()


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outage]:
    """A stack of this module's own, whose stand-ins were stopped after everybody had got a token."""
    stack = Stack(tmp_path_factory.mktemp("outage"), Ports.free(), reload_on_save=False, frontend=False)
    stack.start()
    try:
        stripe, clerk = StripeControls(stack), ClerkControls(stack)
        saas = make_saas(stack, stripe)
        user_id = clerk.make_user("endUsersTest")
        met = Outage(
            stack,
            saas,
            make_developer(stack, stripe),
            make_developer(stack, stripe),
            clerk.token("endUsersTest", user_id, expiresIn=3600),
        )
        for worker, path in (("oauth-api", "/tiers?publishableKey=x"), ("front-auth-api", "/projects")):
            assert met.developer.request("GET", path, worker=worker).status_code < 500
        met.stop_vendors()
        stripe.close()
        clerk.close()
        yield met
    finally:
        stack.stop()


def assert_says_so(answer: httpx.Response, began: float, statuses: tuple[int, ...] = (502, 503)) -> None:
    assert time.monotonic() - began < LONGEST_SECONDS
    assert answer.status_code in statuses, answer.text
    error = answer.json()
    assert error["error"] and error["code"] and error["message"]
    assert error["requestId"] == answer.headers["x-request-id"]
    for secret in ("sk_", "127.0.0.1", "localhost", "acct_", "Traceback"):
        assert secret not in answer.text


def test_a_backend_that_wants_a_checkout_is_told(outage: Outage) -> None:
    began = time.monotonic()
    answer = httpx.post(
        f"{outage.stack.url('api-multi')}/api/create-checkout",
        json={"tier": "pro"},
        headers=outage.saas.tenant.headers("user_1"),
        timeout=60,
    )
    assert_says_so(answer, began)


def test_a_backend_that_wants_a_customer_is_told(outage: Outage) -> None:
    began = time.monotonic()
    answer = httpx.post(
        f"{outage.stack.url('api-multi')}/api/customers",
        json={"email": "new@example.com"},
        headers=outage.saas.tenant.headers(),
        timeout=60,
    )
    assert_says_so(answer, began)


@pytest.mark.parametrize(
    ("worker", "method", "path", "body"),
    [
        ("front-auth-api", "POST", "/create-checkout", {}),
        (
            "oauth-api",
            "POST",
            "/create-products",
            {
                "mode": "test",
                "projectName": "Notes",
                "projectType": "saas",
                "tiers": [
                    {"name": "free", "displayName": "Free", "price": 0, "limit": 10},
                    {"name": "pro", "displayName": "Pro", "price": 2900, "limit": 100},
                ],
            },
        ),
    ],
)
def test_a_developer_whose_token_is_known_is_told_that_stripe_is_gone(
    outage: Outage, worker: str, method: str, path: str, body: Mapping[str, Any]
) -> None:
    began = time.monotonic()
    assert_says_so(outage.developer.request(method, path, body, worker=worker), began)


def test_no_half_project_is_left(outage: Outage) -> None:
    assert outage.stack.d1("SELECT 1 FROM projects WHERE platformId = ?1", outage.developer.platform_id) == []


def test_a_token_that_cannot_be_checked_is_a_503_and_never_a_401(outage: Outage) -> None:
    tenant = outage.saas.tenant
    beside_key = {"X-Publishable-Key": tenant.publishable_key, "X-Clerk-Token": outage.user_token}
    asked: list[tuple[str, str, Mapping[str, str]]] = [
        ("api-multi", "/api/usage", beside_key),
        ("sign-up", "/oauth/complete", beside_key),
        (
            "api-multi",
            "/api/usage",
            {"Authorization": f"Bearer {tenant.secret_key}", "X-Clerk-Token": outage.user_token},
        ),
    ]
    outage.stack.restart_workers()
    asked += [
        (worker, path, {"Authorization": f"Bearer {outage.newcomer.token}"})
        for worker, path in (("front-auth-api", "/projects"), ("oauth-api", "/tiers?publishableKey=x"))
    ]
    for worker, path, headers in asked:
        began = time.monotonic()
        method = "POST" if path == "/oauth/complete" else "GET"
        answer = httpx.request(method, outage.stack.url(worker) + path, headers=dict(headers), timeout=60)
        assert_says_so(answer, began, (503,))
        assert answer.headers["retry-after"]


def test_what_needs_no_vendor_goes_on(outage: Outage) -> None:
    answer = httpx.post(
        f"{outage.stack.url('api-multi')}/api/data", json={}, headers=outage.saas.tenant.headers("user_1"), timeout=60
    )
    assert answer.status_code == 200, answer.text
    for worker in ("api-multi", "front-auth-api", "oauth-api", "sign-up"):
        assert httpx.get(f"{outage.stack.url(worker)}/health?deep=1", timeout=60).status_code == 200


def test_a_silent_clerk_is_given_up_on(stack: Stack) -> None:
    clerk = ClerkControls(stack)
    try:
        stack.restart_workers()
        token = clerk.token("developers", clerk.make_user("developers"))
        clerk.control("/faults", path="*/.well-known/jwks.json", hangSeconds=30, times=1)
        began = time.monotonic()
        url = f"{stack.url('front-auth-api')}/projects"
        answer = httpx.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        assert_says_so(answer, began, (503,))
    finally:
        clerk.clear("/faults")
        clerk.close()


def test_a_silent_stripe_is_given_up_on(stack: Stack) -> None:
    stripe = StripeControls(stack)
    try:
        saas = make_saas(stack, stripe)
        stripe.control(
            "faults", {"method": "POST", "path": "/v1/checkout/sessions", "seconds": 30, "times": 1, "status": None}
        )
        began = time.monotonic()
        answer = httpx.post(
            f"{stack.url('api-multi')}/api/create-checkout",
            json={"tier": "pro"},
            headers=saas.tenant.headers("user_silent"),
            timeout=60,
        )
        assert_says_so(answer, began, (503,))
    finally:
        stripe.clear("faults")
        stripe.close()
