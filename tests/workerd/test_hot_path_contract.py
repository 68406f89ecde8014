"""What `POST /api/data` and its neighbours answer to every kind of bad input, and what an answer costs. In workerd."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from devstack.stack.stack import Stack
from dream.domain.keys import make_key
from tests.support.tenants import Tenant, add_secret_key, make_tenant

WORKERS = ("api-multi", "front-auth-api", "oauth-api", "sign-up")

HIDDEN_NESTING = ('["\u2200",' + "[" * 15_000 + '"').encode("utf-16-le")
"""Brackets that a reader of bytes takes for a string: in UTF-16 the first character of it has the byte of a quotation mark."""


@pytest.fixture(scope="module")
def tenant(stack: Stack) -> Tenant:
    return make_tenant(stack)


@pytest.fixture
def api(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.url("api-multi"), timeout=30) as client:
        yield client


def assert_error(answer: httpx.Response, status: int, code: str) -> None:
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), answer.text
    assert body["error"]
    assert body["message"]
    assert body["requestId"] == answer.headers["X-Request-Id"]
    assert answer.headers["Content-Type"].startswith("application/json")


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


def test_a_missing_or_malformed_user_is_400(api: httpx.Client, tenant: Tenant) -> None:
    assert_error(api.post("/api/data", headers=tenant.headers()), 400, "missing_user")
    for user in ("", "a b", "x" * 129):
        assert_error(api.post("/api/data", headers=tenant.headers(user)), 400, "invalid_user_id")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"x"',
        b"null",
        b"\xff\xfe",
        b'{"quantity": NaN}',
        b"[" * 30_000,
        b'{"a":1}{"b":2}',
        rb'{"a":"\ud800"}',
        HIDDEN_NESTING,
    ],
)
def test_malformed_json_is_400_and_counts_nothing(api: httpx.Client, tenant: Tenant, body: bytes) -> None:
    headers = tenant.headers("malformed", **{"Content-Type": "application/json"})
    assert_error(api.post("/api/data", headers=headers, content=body), 400, "invalid_json")
    assert api.get("/api/usage", headers=tenant.headers("malformed")).json()["usageCount"] == 0


@pytest.mark.parametrize("quantity", [0, -1, 1.5, "2", True, None, [], 1_000_001, 10**30])
def test_a_bad_quantity_is_400_naming_the_field(api: httpx.Client, tenant: Tenant, quantity: object) -> None:
    answer = api.post("/api/data", headers=tenant.headers("u"), json={"quantity": quantity})
    assert_error(answer, 400, "invalid_fields")
    assert list(answer.json()["fields"]) == ["quantity"]


def test_a_body_over_its_cap_is_413_declared_or_streamed(api: httpx.Client, tenant: Tenant) -> None:
    body = b'{"padding": "' + b"x" * 1_048_576 + b'"}'
    assert_error(api.post("/api/data", headers=tenant.headers("u"), content=body), 413, "payload_too_large")
    pieces = (body[start : start + 8192] for start in range(0, len(body), 8192))
    assert_error(api.post("/api/data", headers=tenant.headers("u"), content=pieces), 413, "payload_too_large")


def test_another_media_type_is_415(api: httpx.Client, tenant: Tenant) -> None:
    headers = tenant.headers("u", **{"Content-Type": "application/x-www-form-urlencoded"})
    assert_error(api.post("/api/data", headers=headers, content=b"a=b"), 415, "unsupported_media_type")


@pytest.mark.parametrize("worker", WORKERS)
def test_unknown_paths_and_methods_answer_in_the_one_shape(stack: Stack, worker: str) -> None:
    base = stack.url(worker)
    for path in ("/", "/nope", "/health/", "//", "/api/../etc", "/%00"):
        assert_error(httpx.get(f"{base}{path}"), 404, "not_found")
    wrong = httpx.put(f"{base}/health")
    assert_error(wrong, 405, "method_not_allowed")
    assert wrong.headers["Allow"] == "GET, OPTIONS"
    assert httpx.request("BREW", f"{base}/health").status_code in (400, 405, 501)


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


def test_tiers_are_public_to_either_key(api: httpx.Client, tenant: Tenant) -> None:
    by_secret = api.get("/api/tiers", headers=tenant.headers())
    by_public = api.get("/api/tiers", headers={"X-Publishable-Key": tenant.publishable_key})
    assert by_secret.json() == by_public.json()
    tiers = by_public.json()["tiers"]
    assert [(t["id"], t["price"], t["limit"]) for t in tiers] == [
        ("free", 0, 100),
        ("pro", 2900, 1000),
        ("unlimited", 9900, "unlimited"),
    ]
    assert " ".join(sorted(tiers[0])) == (
        "billingMode currency description displayName features id imageUrl inventory limit name popular price priceId"
        " productId soldOut stripePriceId trialDays"
    )
    assert_error(api.get("/api/tiers"), 401, "unauthorized")
    assert_error(
        api.get("/api/tiers", headers={"X-Publishable-Key": flipped(tenant.publishable_key)}), 401, "invalid_api_key"
    )


def test_a_warm_call_costs_one_d1_round_trip_and_no_kv_write(stack: Stack, api: httpx.Client, tenant: Tenant) -> None:
    def trips(answer: httpx.Response) -> dict[str, int]:
        return {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", answer.headers["X-Round-Trips"])}

    once = {"d1": 1, "kvReads": 0, "kvWrites": 0, "r2": 0, "fetches": 0}
    stack.restart_workers()
    cold = trips(api.post("/api/data", headers=tenant.headers("budget")))
    assert (cold["d1"], cold["kvReads"], cold["fetches"]) in ((1, 1, 0), (2, 1, 0))
    assert trips(api.post("/api/data", headers=tenant.headers("budget"))) == once
    assert trips(api.post("/api/data", headers=tenant.headers("budget", **{"Idempotency-Key": "b"}))) == once
    assert trips(api.post("/api/data", headers=tenant.headers("budget", **{"Idempotency-Key": "b"}))) == once
    assert trips(api.get("/api/usage", headers=tenant.headers("budget"))) == once
    assert trips(api.post("/api/data", headers=tenant.headers("budget"), json={"quantity": 99})) == once  # refused
    api.get("/api/tiers", headers=tenant.headers())
    assert trips(api.get("/api/tiers", headers=tenant.headers()))["d1"] <= 1
    assert trips(api.get("/health")) == {**once, "d1": 0}


def test_a_kv_record_spares_a_cold_isolate_the_key_look_up(stack: Stack, api: httpx.Client) -> None:
    tenant = make_tenant(stack)
    first = api.post("/api/data", headers=tenant.headers("u")).headers["X-Round-Trips"]
    assert first.startswith("d1=2,kvReads=1")
    stack.restart_workers()
    second = api.post("/api/data", headers=tenant.headers("u")).headers["X-Round-Trips"]
    assert second.startswith("d1=1,kvReads=1")


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


@pytest.mark.parametrize("worker", WORKERS)
def test_health_is_plain_and_deep(stack: Stack, worker: str) -> None:
    plain = httpx.get(f"{stack.url(worker)}/health")
    assert plain.json() == {"status": "ok", "worker": worker, "version": plain.json()["version"]}
    deep = httpx.get(f"{stack.url(worker)}/health?deep=1").json()
    assert deep["checks"] == {"d1": "ok", "kv": "ok", "r2": "ok", "rateLimiter": "ok"}


def test_cors_answers_any_origin_at_api_multi_and_only_listed_ones_at_the_developers_workers(stack: Stack) -> None:
    for worker, any_origin in (("api-multi", True), ("sign-up", True), ("front-auth-api", False), ("oauth-api", False)):
        base = stack.url(worker)
        foreign = httpx.options(f"{base}/health", headers={"Origin": "https://evil.example"})
        assert foreign.status_code == 204
        assert foreign.headers.get("Access-Control-Allow-Origin") == ("*" if any_origin else None)
        dashboard = httpx.get(f"{base}/health", headers={"Origin": stack.url("frontend")})
        assert dashboard.headers["Access-Control-Allow-Origin"] == ("*" if any_origin else stack.url("frontend"))
        assert "Access-Control-Allow-Credentials" not in dashboard.headers
    allowed = httpx.options(f"{stack.url('api-multi')}/api/data").headers["Access-Control-Allow-Headers"]
    for name in ("Authorization", "X-Publishable-Key", "X-Clerk-Token", "X-User-Id", "X-User-Plan", "Idempotency-Key"):
        assert name in allowed


def test_every_answer_carries_security_headers(api: httpx.Client) -> None:
    for path in ("/health", "/nope"):
        headers = api.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Strict-Transport-Security"]


def test_a_broken_http_request_takes_nobody_down(stack: Stack, api: httpx.Client) -> None:
    host, port = urlsplit(stack.url("api-multi")).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"POST /api/data HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n")
        assert b" 400 " in connection.recv(4096).split(b"\r\n")[0]
    assert api.get("/health").status_code == 200


def test_a_platform_that_pays_again_is_served_at_once(stack: Stack, api: httpx.Client) -> None:
    tenant = make_tenant(stack, mode="live", live_keys_until=None)
    assert api.post("/api/data", headers=tenant.headers("u")).status_code == 402
    stack.d1(
        "UPDATE platforms SET liveKeysUntil = '9999-12-31T00:00:00.000Z' WHERE platformId = ?1", tenant.platform_id
    )
    assert api.post("/api/data", headers=tenant.headers("u")).status_code == 200
