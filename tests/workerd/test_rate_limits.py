"""Guarantee: so many calls a minute, by the runtime's rate limit binding and by the counting statement on the real D1."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from devstack.stack.ports import Ports
from devstack.stack.stack import Stack
from tests.support.tenants import Tenant, make_tenant

LIMIT = 6
AN_HOUR = 3600


@pytest.fixture(scope="module")
def strict_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of its own, whose workers allow few calls a minute."""
    folder = tmp_path_factory.mktemp("strict")
    stack = Stack(folder, Ports.free(), rate_limit_per_minute=LIMIT, reload_on_save=False, frontend=False)
    stack.start()
    yield stack
    stack.stop()


@pytest.fixture(scope="module")
def tenant(strict_stack: Stack) -> Tenant:
    return make_tenant(strict_stack)


def assert_limited(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


def count(stack: Stack, tenant: Tenant, user: str, **headers: str) -> httpx.Response:
    return httpx.post(f"{stack.url('api-multi')}/api/data", headers=tenant.headers(user, **headers), timeout=30)


def test_counting_is_limited_per_user_and_the_next_minute_is_free_again(strict_stack: Stack, tenant: Tenant) -> None:
    clock = f"{strict_stack.url('api-multi')}/_devstack/clock"
    httpx.post(clock, json={"offsetSeconds": AN_HOUR})
    try:
        answers = [count(strict_stack, tenant, "eager") for _ in range(3 * LIMIT)]
        refused = [answer for answer in answers if answer.status_code != 200]
        # A new minute may begin once during the test.
        assert LIMIT <= len(refused) <= 2 * LIMIT
        for answer in refused:
            assert_limited(answer)
        assert count(strict_stack, tenant, "another").status_code == 200
        httpx.post(clock, json={"offsetSeconds": AN_HOUR + 61})
        again = count(strict_stack, tenant, "eager")
    finally:
        httpx.post(clock, json={"offsetSeconds": 0})
    assert again.status_code == 200
    assert again.json()["usage"]["count"] == 3 * LIMIT - len(refused) + 1, "a limited call counts nothing"


def test_other_routes_are_limited_by_the_binding(strict_stack: Stack, tenant: Tenant) -> None:
    url = f"{strict_stack.url('api-multi')}/api/usage"
    answers = [httpx.get(url, headers=tenant.headers("reader"), timeout=30) for _ in range(3 * LIMIT)]
    assert_limited(next(answer for answer in answers if answer.status_code != 200))
    assert httpx.get(url, headers=tenant.headers("another-reader"), timeout=30).status_code == 200


def test_guessing_keys_is_limited_by_address(strict_stack: Stack) -> None:
    url = f"{strict_stack.url('api-multi')}/api/tiers"
    answers = [httpx.get(url, headers={"Authorization": "Bearer sk_test_guess"}, timeout=30) for _ in range(3 * LIMIT)]
    assert answers[0].status_code == 401
    assert_limited(next(answer for answer in answers if answer.status_code != 401))
