"""End users' tokens in the real runtime: the race for a new user, and what a token costs."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import pytest

from devstack.stack.stack import Stack
from tests.support.clerk_controls import ClerkControls
from tests.support.tenants import Tenant, make_tenant


@pytest.fixture
def tenant(stack: Stack) -> Tenant:
    return make_tenant(stack)


def beside(tenant: Tenant, token: str, **more: str) -> Mapping[str, str]:
    return {"X-Publishable-Key": tenant.publishable_key, "X-Clerk-Token": token, **more}


def projects_of(stack: Stack, user_id: str) -> list[str]:
    return [row["publishableKey"] for row in stack.d1("SELECT * FROM end_users WHERE clerkUserId = ?1", user_id)]


def test_of_many_projects_that_see_a_new_user_at_once_one_gets_the_user(
    stack: Stack, clerk: ClerkControls, api: httpx.Client
) -> None:
    tenants = [make_tenant(stack) for _ in range(6)]
    user_id = clerk.make_user("endUsersTest")
    token = clerk.token("endUsersTest", user_id)
    answers = stack.at_once([api.build_request("GET", "/api/usage", headers=beside(one, token)) for one in tenants * 2])
    assert sorted({answer.status_code for answer in answers}) == [200, 403]
    assert len(projects_of(stack, user_id)) == 1


def test_a_warm_count_under_a_token_is_one_round_trip(clerk: ClerkControls, api: httpx.Client, tenant: Tenant) -> None:
    """With the project in the token nothing is ever looked up; without, the membership is remembered."""
    for wanted in ({"claims": {"publishableKey": tenant.publishable_key}}, {}):
        token = clerk.token("endUsersTest", clerk.make_user("endUsersTest"), **wanted)
        for _ in range(2):
            assert api.post("/api/data", json={}, headers=beside(tenant, token)).status_code == 200
        answer = api.post("/api/data", json={}, headers=beside(tenant, token))
        assert answer.headers["x-round-trips"] == "d1=1,kvReads=0,kvWrites=0,r2=0,fetches=0"


def test_a_cold_isolate_asks_for_the_key_and_the_token_once(
    stack: Stack, clerk: ClerkControls, api: httpx.Client, tenant: Tenant
) -> None:
    claim = {"publishableKey": tenant.publishable_key}
    user_id = clerk.make_user("endUsersTest")
    api.post("/api/data", json={}, headers=beside(tenant, clerk.token("endUsersTest", user_id, claims=claim)))
    stack.restart_workers()
    token = clerk.token("endUsersTest", user_id, claims=claim)
    answer = api.post("/api/data", json={}, headers=beside(tenant, token))
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-round-trips"] == "d1=1,kvReads=1,kvWrites=0,r2=0,fetches=1"
