"""Guarantee: a credential opens its own project only, and only while it is valid and paid for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from dream.domain.keys import make_key
from tests.support.answers import assert_error
from tests.support.stack import Stack
from tests.support.tenants import Tenant, add_secret_key, make_tenant


def flipped(key: str) -> str:
    return key[:20] + ("a" if key[20] != "a" else "b") + key[21:]


def test_a_missing_or_foreign_credential_is_401(api: httpx.Client, tenant: Tenant) -> None:
    unknown = make_key("sk", "test", os.urandom)
    for authorization in (
        None,
        "",
        "Bearer",
        "Basic abc",
        f"Bearer {flipped(tenant.secret_key)}",
        f"Bearer {unknown}",
        f"Bearer {tenant.secret_key.replace('sk_test', 'sk_live')}",
        f"Bearer {tenant.publishable_key}",
        "Bearer sk_test_short",
        "Bearer " + "x" * 5000,
    ):
        headers = {"X-User-Id": "u"} | ({} if authorization is None else {"Authorization": authorization})
        answer = api.post("/api/data", headers=headers)
        assert answer.status_code == 401, (authorization, answer.text)
        assert answer.json()["requestId"] == answer.headers["X-Request-Id"]
        assert tenant.secret_key not in answer.text


def test_a_revoked_key_is_401_and_a_rotated_one_works_until_its_grace_time_ends(
    stack: Stack, api: httpx.Client, tenant: Tenant
) -> None:
    revoked = add_secret_key(stack, tenant.publishable_key, "test")
    in_grace = add_secret_key(stack, tenant.publishable_key, "test", expires_at="9999-01-01T00:00:00.000Z")
    expired = add_secret_key(stack, tenant.publishable_key, "test", expires_at="2026-01-01T00:00:00.000Z")

    def call(key: str) -> httpx.Response:
        return api.post("/api/data", headers={"Authorization": f"Bearer {key}", "X-User-Id": "keyed"})

    assert call(revoked).status_code == 200
    assert call(in_grace).status_code == 200
    assert_error(call(expired), 401, "invalid_api_key")
    stack.d1("UPDATE api_keys SET status = 'revoked' WHERE secretKeyMasked = ?1", f"{revoked[:8]}…{revoked[-4:]}")
    assert_error(call(revoked), 401, "invalid_api_key")  # at once, though the isolate still remembers the key
    assert call(in_grace).status_code == 200


def test_a_key_opens_its_own_project_only(stack: Stack, api: httpx.Client, tenant: Tenant) -> None:
    other = make_tenant(stack)
    mixed = tenant.headers("u", **{"X-Publishable-Key": other.publishable_key})
    assert_error(api.post("/api/data", headers=mixed), 400, "key_mismatch")
    assert api.post("/api/data", headers=other.headers("theirs"), json={"quantity": 9}).status_code == 200
    assert api.get("/api/usage", headers=tenant.headers("theirs")).json()["usageCount"] == 0


def test_live_keys_answer_402_once_the_grace_time_is_over(stack: Stack, api: httpx.Client) -> None:
    unpaid = make_tenant(stack, mode="live", live_keys_until="2026-01-01T00:00:00.000Z")
    never_paid = make_tenant(stack, mode="live", live_keys_until=None)
    paid = make_tenant(stack, mode="live")
    assert_error(api.post("/api/data", headers=unpaid.headers("u")), 402, "payment_required")
    assert_error(api.post("/api/data", headers=never_paid.headers("u")), 402, "payment_required")
    assert api.post("/api/data", headers=paid.headers("u")).status_code == 200
    test_key = make_tenant(stack, live_keys_until=None)
    assert api.post("/api/data", headers=test_key.headers("u")).status_code == 200


@contextmanager
def without_table(stack: Stack, table: str) -> Iterator[None]:
    stack.d1(f"ALTER TABLE {table} RENAME TO {table}_gone")
    try:
        yield
    finally:
        stack.d1(f"ALTER TABLE {table}_gone RENAME TO {table}")


def test_a_failing_database_is_503_and_never_401(stack: Stack, api: httpx.Client, tenant: Tenant) -> None:
    cold = make_tenant(stack)
    with without_table(stack, "api_keys"):
        for headers in (tenant.headers("u"), cold.headers("u")):
            answer = api.post("/api/data", headers=headers)
            assert_error(answer, 503, "database_unavailable")
            assert "api_keys" not in answer.text
            assert answer.headers["Retry-After"]
    assert api.post("/api/data", headers=cold.headers("u")).status_code == 200


def test_a_platform_that_pays_again_is_served_at_once(stack: Stack, api: httpx.Client) -> None:
    tenant = make_tenant(stack, mode="live", live_keys_until=None)
    assert api.post("/api/data", headers=tenant.headers("u")).status_code == 402
    stack.d1(
        "UPDATE platforms SET liveKeysUntil = '9999-12-31T00:00:00.000Z' WHERE platformId = ?1", tenant.platform_id
    )
    assert api.post("/api/data", headers=tenant.headers("u")).status_code == 200
