"""With Stripe and Clerk stopped or silent, the real runtime gives up in time, and every worker says so in the error shape."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from devstack.stack.ports import Ports
from devstack.stack.stack import Stack
from tests.support.clerk_controls import ClerkControls
from tests.support.developers import Developer, make_developer
from tests.support.outage import assert_says_so
from tests.support.stripe_accounts import Saas, StripeControls, make_saas

NEW_PROJECT = {
    "mode": "test",
    "projectName": "Notes",
    "projectType": "saas",
    "tiers": [
        {"name": "free", "displayName": "Free", "price": 0, "limit": 10},
        {"name": "pro", "displayName": "Pro", "price": 2900, "limit": 100},
    ],
}
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


def assert_soon(answer: httpx.Response, began: float, statuses: tuple[int, ...] = (502, 503)) -> None:
    assert time.monotonic() - began < LONGEST_SECONDS
    assert_says_so(answer, statuses)


def test_with_both_vendors_stopped_every_worker_says_so_and_serves_what_needs_none(outage: Outage) -> None:
    stack, tenant = outage.stack, outage.saas.tenant
    began = time.monotonic()
    wanted = stack.http("api-multi").post(
        "/api/create-checkout", json={"tier": "pro"}, headers=tenant.headers("user_1")
    )
    assert_soon(wanted, began)
    began = time.monotonic()
    assert_soon(outage.developer.request("POST", "/create-products", NEW_PROJECT), began)
    assert stack.d1("SELECT 1 FROM projects WHERE platformId = ?1", outage.developer.platform_id) == []

    stack.restart_workers()
    by_user = {"X-Publishable-Key": tenant.publishable_key, "X-Clerk-Token": outage.user_token}
    by_developer = {"Authorization": f"Bearer {outage.newcomer.token}"}
    asked = (
        ("api-multi", "GET", "/api/usage", by_user),
        ("sign-up", "POST", "/oauth/complete", by_user),
        ("front-auth-api", "GET", "/projects", by_developer),
        ("oauth-api", "GET", "/tiers?publishableKey=x", by_developer),
    )
    for worker, method, path, headers in asked:
        began = time.monotonic()
        answer = stack.http(worker).request(method, path, headers=headers)
        assert_soon(answer, began, (503,))
        assert answer.headers["retry-after"]

    answer = stack.http("api-multi").post("/api/data", json={}, headers=tenant.headers("user_1"))
    assert answer.status_code == 200, answer.text
    for worker in ("api-multi", "front-auth-api", "oauth-api", "sign-up"):
        assert stack.http(worker).get("/health?deep=1").status_code == 200


def test_a_silent_clerk_is_given_up_on(stack: Stack) -> None:
    clerk = ClerkControls(stack)
    try:
        stack.restart_workers()
        token = clerk.token("developers", clerk.make_user("developers"))
        clerk.control("/faults", path="*/.well-known/jwks.json", hangSeconds=30, times=1)
        began = time.monotonic()
        url = f"{stack.url('front-auth-api')}/projects"
        answer = httpx.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        assert_soon(answer, began, (503,))
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
        assert_soon(answer, began, (503,))
    finally:
        stripe.clear("faults")
        stripe.close()
