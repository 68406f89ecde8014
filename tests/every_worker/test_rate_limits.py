"""Guarantee: so many calls a minute for each project and end user, and for each address that shows no valid credential."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.in_process.stack import InProcessStack
from tests.support.stack import Stack
from tests.support.tenants import Tenant, make_tenant

LIMIT = 6
AN_HOUR = 3600


@pytest.fixture
def stack() -> Iterator[InProcessStack]:
    """Workers that allow few calls a minute."""
    stack = InProcessStack(rate_limit_per_minute=LIMIT)
    yield stack
    stack.close()


@pytest.fixture
def tenant(stack: Stack) -> Tenant:
    return make_tenant(stack)


def assert_limited(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


def count(stack: Stack, tenant: Tenant, user: str, **headers: str) -> httpx.Response:
    return stack.http("api-multi").post("/api/data", headers=tenant.headers(user, **headers))


def move_clock(stack: Stack, seconds: int) -> None:
    """Sets the workers' time to so many seconds from now."""
    stack.http("api-multi").post("/_devstack/clock", json={"offsetSeconds": seconds})


def test_counting_is_limited_per_user_and_the_next_minute_is_free_again(stack: Stack, tenant: Tenant) -> None:
    move_clock(stack, AN_HOUR)
    answers = [count(stack, tenant, "eager") for _ in range(3 * LIMIT)]
    refused = [answer for answer in answers if answer.status_code != 200]
    # A new minute may begin once during the test.
    assert LIMIT <= len(refused) <= 2 * LIMIT
    for answer in refused:
        assert_limited(answer)
    assert count(stack, tenant, "another").status_code == 200
    move_clock(stack, AN_HOUR + 61)
    again = count(stack, tenant, "eager")
    assert again.status_code == 200
    assert again.json()["usage"]["count"] == 3 * LIMIT - len(refused) + 1, "a limited call counts nothing"


def test_a_limited_call_leaves_its_idempotency_key_free(stack: Stack, tenant: Tenant) -> None:
    while count(stack, tenant, "retrying").status_code == 200:
        pass
    assert_limited(count(stack, tenant, "retrying", **{"Idempotency-Key": "later"}))
    move_clock(stack, 61)
    answer = count(stack, tenant, "retrying", **{"Idempotency-Key": "later"})
    assert answer.status_code == 200
    assert "Idempotent-Replayed" not in answer.headers


def test_other_routes_are_limited_per_user(stack: Stack, tenant: Tenant) -> None:
    api = stack.http("api-multi")
    answers = [api.get("/api/usage", headers=tenant.headers("reader")) for _ in range(3 * LIMIT)]
    assert_limited(next(answer for answer in answers if answer.status_code != 200))
    assert api.get("/api/usage", headers=tenant.headers("another-reader")).status_code == 200


def test_guessing_keys_is_limited_by_address(stack: Stack) -> None:
    api, guess = stack.http("api-multi"), {"Authorization": "Bearer sk_test_guess"}
    answers = [api.get("/api/tiers", headers=guess) for _ in range(3 * LIMIT)]
    assert answers[0].status_code == 401
    assert_limited(next(answer for answer in answers if answer.status_code != 401))


@pytest.mark.parametrize("worker", ["api-multi", "front-auth-api", "oauth-api", "sign-up"])
def test_health_is_never_limited(stack: Stack, worker: str) -> None:
    assert {stack.http(worker).get("/health").status_code for _ in range(3 * LIMIT)} == {200}
