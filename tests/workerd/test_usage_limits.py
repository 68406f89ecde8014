"""Guarantee: a count never passes its limit, however calls interleave and repeat. The races, on the real D1."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pytest

from devstack.stack.stack import Stack
from tests.support.tenants import Tenant, make_tenant


@pytest.fixture(scope="module")
def tenant(stack: Stack) -> Tenant:
    return make_tenant(stack)


def usage_of(stack: Stack, tenant: Tenant, user_id: str) -> dict[str, Any]:
    answer = stack.http("api-multi").get("/api/usage", headers=tenant.headers(user_id))
    assert answer.status_code == 200, answer.text
    return answer.json()


def post_all(stack: Stack, requests: Sequence[tuple[Mapping[str, str], Any]]) -> list[httpx.Response]:
    """All requests at once."""
    client = stack.http("api-multi")
    return stack.at_once(
        [client.build_request("POST", "/api/data", headers=head, json=body) for head, body in requests]
    )


def test_of_200_parallel_calls_a_limit_of_100_lets_exactly_100_through(stack: Stack, tenant: Tenant) -> None:
    answers = post_all(stack, [(tenant.headers("parallel"), {})] * 200)
    assert Counter(answer.status_code for answer in answers) == {200: 100, 403: 100}
    assert sorted(a.json()["usage"]["count"] for a in answers if a.status_code == 200) == list(range(1, 101))
    assert usage_of(stack, tenant, "parallel")["usageCount"] == 100


@pytest.mark.parametrize("seed", range(3))
def test_a_mix_of_quantities_never_passes_the_limit(stack: Stack, tenant: Tenant, seed: int) -> None:
    quantities = random.Random(seed).choices([1, 2, 3, 5, 8, 13, 40, 101], k=80)
    user = f"mixed-{seed}"
    answers = post_all(stack, [(tenant.headers(user), {"quantity": quantity}) for quantity in quantities])
    let_through = sum(q for q, a in zip(quantities, answers, strict=True) if a.status_code == 200)
    assert let_through <= 100
    assert usage_of(stack, tenant, user)["usageCount"] == let_through
    refused = [q for q, a in zip(quantities, answers, strict=True) if a.status_code == 403]
    assert refused, "the mix was meant to pass the limit"
    assert min(refused) > 100 - let_through, "a call that still fitted was refused"


def test_50_parallel_calls_with_one_idempotency_key_count_once_and_get_one_body(stack: Stack, tenant: Tenant) -> None:
    headers = tenant.headers("retrying", **{"Idempotency-Key": "call-1"})
    answers = post_all(stack, [(headers, {"quantity": 3})] * 50)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert usage_of(stack, tenant, "retrying")["usageCount"] == 3
