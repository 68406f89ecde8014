"""Guarantee: one developer cannot capture another's users. Membership is proven by a token; a name alone changes nothing at Clerk."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.support.clerk_controls import ClerkControls
from tests.support.outbox import settled
from tests.support.stack import Stack
from tests.support.tenants import Tenant, make_tenant
from tests.support.waiting import eventually

_numbers = itertools.count(1)


@pytest.fixture
def door(stack: Stack) -> httpx.Client:
    """sign-up."""
    return stack.http("sign-up")


@pytest.fixture
def tenant(stack: Stack) -> Tenant:
    return make_tenant(stack)


@pytest.fixture
def attacker(stack: Stack) -> Tenant:
    return make_tenant(stack)


@pytest.fixture
def email() -> str:
    return f"victim{next(_numbers)}@example.com"


@pytest.fixture
def user(clerk: ClerkControls, email: str) -> str:
    """A person who has signed in at Clerk and has no project yet."""
    fields = {"instance": "endUsersTest", "email": email, "firstName": "Ada", "lastName": "Lovelace"}
    return clerk.control("/users", **fields)["id"]


def beside(tenant: Tenant, token: str) -> Mapping[str, str]:
    return {"X-Publishable-Key": tenant.publishable_key, "X-Clerk-Token": token}


def user_at_clerk(stack: Stack, user_id: str) -> dict[str, Any] | None:
    key = stack.state["clerkSecretKeys"]["endUsersTest"]
    answer = stack.http("clerk").get(f"/v1/users/{user_id}", headers={"Authorization": f"Bearer {key}"})
    return answer.json() if answer.is_success else None


def rows_of(stack: Stack, user_id: str) -> dict[str, dict[str, Any]]:
    """The user's rows, by project."""
    rows = stack.d1("SELECT * FROM end_users WHERE clerkUserId = ?1", user_id)
    return {row["publishableKey"]: row for row in rows}


def complete(door: httpx.Client, token: str, tenant: Tenant) -> httpx.Response:
    return door.post("/oauth/complete", headers=beside(tenant, token))


def test_every_step_of_a_capture_fails(
    stack: Stack,
    api: httpx.Client,
    door: httpx.Client,
    clerk: ClerkControls,
    tenant: Tenant,
    attacker: Tenant,
    user: str,
    email: str,
) -> None:
    before = user_at_clerk(stack, user)
    path, backend = f"/api/customers/{user}", attacker.headers()
    # 1. The attacker's backend names the user: a counter of its own.
    for _ in range(2):
        assert api.post("/api/data", headers=attacker.headers(user)).status_code == 200
    # 2. It changes that customer: here only. Clerk hears nothing.
    changed = api.patch(path, json={"plan": "pro", "firstName": "Eve"}, headers=backend)
    assert (changed.status_code, changed.json()["customer"]["plan"]) == (200, "pro")
    assert stack.d1("SELECT * FROM outbox WHERE payload LIKE '%' || ?1 || '%'", user) == []
    assert user_at_clerk(stack, user) == before
    # 3. It reads the customer: no address.
    assert api.get(path, headers=backend).json()["customer"]["email"] is None
    assert email not in api.get("/api/customers", headers=backend).text
    # 4. The user signs in to their own app and is not locked out, in sign-up or at api-multi.
    token = clerk.token("endUsersTest", user)
    joined = complete(door, token, tenant)
    assert (joined.status_code, joined.json().get("publishableKey")) == (200, tenant.publishable_key), joined.text
    assert api.get("/api/usage", headers=beside(tenant, token)).status_code == 200
    settled(stack, user)
    known = user_at_clerk(stack, user)
    assert known is not None
    assert known["public_metadata"]["publishableKey"] == tenant.publishable_key
    # 5. The attacker's app gets no token of theirs, old or new.
    for each in (token, clerk.token("endUsersTest", user)):
        refused = complete(door, each, attacker)
        assert (refused.status_code, refused.json()["code"]) == (409, "belongs_to_other_project")
        for method, route in (("GET", "/api/usage"), ("POST", "/api/data"), ("POST", "/api/create-checkout")):
            refused = api.request(method, route, headers=beside(attacker, each), json=None if method == "GET" else {})
            assert (refused.status_code, refused.json()["code"]) == (403, "project_mismatch")
        refused = door.get("/refresh/status", headers=beside(attacker, each))
        assert (refused.status_code, refused.json()["code"]) == (403, "project_mismatch")
    # 6. It changes and deletes its customer once more: the user stays as they are, at Clerk and in their own app.
    assert api.patch(path, json={"plan": "free", "lastName": "Evil"}, headers=backend).status_code == 200
    assert api.delete(path, headers=backend).json()["deleted"] == {"id": user, "email": None}
    settled(stack, user)
    assert user_at_clerk(stack, user) == known
    assert api.get("/api/usage", headers=beside(tenant, token)).status_code == 200
    rows = rows_of(stack, user)
    assert list(rows) == [tenant.publishable_key]
    assert (rows[tenant.publishable_key]["email"], rows[tenant.publishable_key]["firstName"]) == (email, "Ada")


def test_deleting_the_attackers_project_touches_nothing_at_clerk(
    stack: Stack, api: httpx.Client, attacker: Tenant, user: str
) -> None:
    before = user_at_clerk(stack, user)
    assert api.post("/api/data", headers=attacker.headers(user)).status_code == 200
    assert api.delete(f"/api/customers/{user}", headers=attacker.headers()).status_code == 200
    assert stack.d1("SELECT * FROM outbox WHERE payload LIKE '%' || ?1 || '%'", user) == []
    assert user_at_clerk(stack, user) == before


def test_the_users_own_token_proves_a_counter_and_the_counts_stay(
    stack: Stack, api: httpx.Client, clerk: ClerkControls, tenant: Tenant, attacker: Tenant, user: str
) -> None:
    for project in (tenant, attacker):
        for _ in range(3):
            assert api.post("/api/data", headers=project.headers(user)).status_code == 200
    assert rows_of(stack, user)[tenant.publishable_key]["provenAt"] is None
    counted = api.post("/api/data", json={}, headers=beside(tenant, clerk.token("endUsersTest", user)))
    assert counted.json()["usage"]["count"] == 4
    rows = rows_of(stack, user)
    assert rows[tenant.publishable_key]["provenAt"] is not None
    assert rows[attacker.publishable_key]["provenAt"] is None


@pytest.mark.parametrize("claims", [False, True])
def test_first_contact_at_the_api_records_the_profile_and_tells_clerk(
    stack: Stack, api: httpx.Client, clerk: ClerkControls, tenant: Tenant, user: str, email: str, claims: bool
) -> None:
    key = tenant.publishable_key
    token = clerk.token("endUsersTest", user, claims={"publishableKey": key} if claims else {})
    assert api.post("/api/data", json={}, headers=beside(tenant, token)).status_code == 200

    def profile() -> tuple[str, str, str] | None:
        row = rows_of(stack, user).get(key)
        return (row["email"], row["firstName"], row["lastName"]) if row and row["provenAt"] else None

    eventually(lambda: profile() == (email, "Ada", "Lovelace"))
    settled(stack, user)
    known = user_at_clerk(stack, user)
    assert known is not None
    assert known["public_metadata"] == {"publishableKey": key, "plan": "free"}
    shown = api.get(f"/api/customers/{user}", headers=tenant.headers()).json()["customer"]
    assert (shown["email"], shown["firstName"]) == (email, "Ada")


@pytest.mark.parametrize("claims", [False, True])
def test_a_deleted_users_valid_token_does_not_bring_them_back(
    stack: Stack,
    api: httpx.Client,
    door: httpx.Client,
    clerk: ClerkControls,
    tenant: Tenant,
    user: str,
    claims: bool,
) -> None:
    token = clerk.token("endUsersTest", user, claims={"publishableKey": tenant.publishable_key} if claims else {})
    headers = beside(tenant, token)
    assert api.post("/api/data", json={}, headers=headers).status_code == 200
    eventually(lambda: tenant.publishable_key in rows_of(stack, user))
    assert api.delete(f"/api/customers/{user}", headers=tenant.headers()).status_code == 200
    for method, route in (("POST", "/api/data"), ("GET", "/api/usage"), ("POST", "/api/customer-portal")):
        refused = api.request(method, route, headers=headers, json=None if method == "GET" else {})
        assert (refused.status_code, refused.json()["code"]) == (401, "user_deleted"), (route, refused.text)
    key = {**headers, "Idempotency-Key": "once"}
    assert api.post("/api/data", json={}, headers=key).json()["code"] == "user_deleted"
    assert door.get("/refresh/status", headers=headers).json()["code"] == "user_deleted"
    assert complete(door, token, tenant).status_code == 401
    assert rows_of(stack, user) == {}
    assert stack.d1("SELECT * FROM usage_counts WHERE userId = ?1", user) == []


def test_a_user_who_was_deleted_joins_again_with_a_newer_token(
    stack: Stack, api: httpx.Client, clerk: ClerkControls, tenant: Tenant, user: str
) -> None:
    """The Clerk user is still there, since no token of theirs had proven the membership that was deleted."""
    assert api.post("/api/data", headers=tenant.headers(user)).status_code == 200
    assert api.delete(f"/api/customers/{user}", headers=tenant.headers()).status_code == 200
    stack.d1("UPDATE deleted_end_users SET deletedAt = '2026-01-01T00:00:00.000Z' WHERE clerkUserId = ?1", user)
    token = clerk.token("endUsersTest", user)
    assert api.post("/api/data", json={}, headers=beside(tenant, token)).status_code == 200
    assert rows_of(stack, user)[tenant.publishable_key]["provenAt"] is not None
