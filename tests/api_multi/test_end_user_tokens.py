"""Guarantee: an end user's token opens one project, the first that saw it, and costs nothing once it is known."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import pytest

from tests.support.clerk_controls import ClerkControls
from tests.support.stack import Stack
from tests.support.tenants import Tenant, make_tenant


def beside(tenant: Tenant, token: str, **more: str) -> Mapping[str, str]:
    return {"X-Publishable-Key": tenant.publishable_key, "X-Clerk-Token": token, **more}


def projects_of(stack: Stack, user_id: str) -> list[str]:
    return [row["publishableKey"] for row in stack.d1("SELECT * FROM end_users WHERE clerkUserId = ?1", user_id)]


def test_a_new_user_belongs_to_the_first_project_that_saw_the_token(
    stack: Stack, clerk: ClerkControls, api: httpx.Client, tenant: Tenant
) -> None:
    user_id = clerk.make_user("endUsersTest")
    token = clerk.token("endUsersTest", user_id)
    assert api.get("/api/usage", headers=beside(tenant, token)).status_code == 200
    assert projects_of(stack, user_id) == [tenant.publishable_key]
    other = make_tenant(stack)
    for headers in (beside(other, token), {"Authorization": f"Bearer {other.secret_key}", "X-Clerk-Token": token}):
        refused = api.post("/api/data", json={}, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "project_mismatch")
    assert projects_of(stack, user_id) == [tenant.publishable_key]


def test_of_many_projects_that_see_a_new_user_at_once_one_gets_the_user(
    stack: Stack, clerk: ClerkControls, api: httpx.Client
) -> None:
    tenants = [make_tenant(stack) for _ in range(6)]
    user_id = clerk.make_user("endUsersTest")
    token = clerk.token("endUsersTest", user_id)
    answers = stack.at_once([api.build_request("GET", "/api/usage", headers=beside(one, token)) for one in tenants * 2])
    assert sorted({answer.status_code for answer in answers}) == [200, 403]
    assert len(projects_of(stack, user_id)) == 1


@pytest.mark.parametrize("claim", ["top level", "metadata", "publicMetadata"])
def test_a_claim_lets_in_and_a_claim_of_another_project_does_not(
    stack: Stack, clerk: ClerkControls, api: httpx.Client, tenant: Tenant, claim: str
) -> None:
    user_id = clerk.make_user("endUsersTest")
    named = {"publishableKey": tenant.publishable_key}
    token = clerk.token("endUsersTest", user_id, claims=named if claim == "top level" else {claim: named})
    other = make_tenant(stack)
    assert api.get("/api/usage", headers=beside(other, token)).json()["code"] == "project_mismatch"
    assert api.get("/api/usage", headers=beside(tenant, token)).status_code == 200


def test_a_token_carries_the_project_of_the_users_metadata(
    stack: Stack, clerk: ClerkControls, api: httpx.Client, tenant: Tenant
) -> None:
    user_id = clerk.make_user("endUsersTest", publicMetadata={"publishableKey": tenant.publishable_key})
    token = clerk.token("endUsersTest", user_id)
    assert api.get("/api/usage", headers=beside(tenant, token)).status_code == 200
    refused = api.get("/api/usage", headers=beside(make_tenant(stack), token))
    assert (refused.status_code, refused.json()["code"]) == (403, "project_mismatch")


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


def test_a_client_names_neither_its_plan_nor_another_user(
    clerk: ClerkControls, api: httpx.Client, tenant: Tenant
) -> None:
    user_id = clerk.make_user("endUsersTest")
    token = clerk.token("endUsersTest", user_id)
    sent = beside(tenant, token, **{"X-User-Plan": "unlimited", "X-User-Id": "user_of_somebody_else"})
    usage = api.get("/api/usage", headers=sent).json()
    assert (usage["userId"], usage["plan"]) == (user_id, "free")


def test_a_name_and_a_token_of_different_users_are_a_400(
    clerk: ClerkControls, api: httpx.Client, tenant: Tenant
) -> None:
    token = clerk.token("endUsersTest", clerk.make_user("endUsersTest"))
    answer = api.get("/api/usage", headers=tenant.headers("user_else", **{"X-Clerk-Token": token}))
    assert (answer.status_code, answer.json()["code"]) == (400, "user_mismatch")


def test_a_developer_is_no_end_user(clerk: ClerkControls, api: httpx.Client, tenant: Tenant) -> None:
    token = clerk.token("developers", clerk.make_user("developers"))
    assert api.get("/api/usage", headers=beside(tenant, token)).status_code == 401
