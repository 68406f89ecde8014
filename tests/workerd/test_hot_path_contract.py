"""What `POST /api/data` costs in the real runtime, and what it does with deep JSON, streams and broken HTTP."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from devstack.stack.stack import Stack
from tests.support.answers import assert_error, round_trips
from tests.support.tenants import Tenant, make_tenant

HIDDEN_NESTING = ('["\u2200",' + "[" * 15_000 + '"').encode("utf-16-le")
"""Brackets that a reader of bytes takes for a string: in UTF-16 the first character of it has the byte of a quotation mark."""


@pytest.fixture(scope="module")
def tenant(stack: Stack) -> Tenant:
    return make_tenant(stack)


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


def test_a_body_over_its_cap_is_413_declared_or_streamed(api: httpx.Client, tenant: Tenant) -> None:
    body = b'{"padding": "' + b"x" * 1_048_576 + b'"}'
    assert_error(api.post("/api/data", headers=tenant.headers("u"), content=body), 413, "payload_too_large")
    pieces = (body[start : start + 8192] for start in range(0, len(body), 8192))
    assert_error(api.post("/api/data", headers=tenant.headers("u"), content=pieces), 413, "payload_too_large")


def test_a_warm_call_costs_one_d1_round_trip_and_no_kv_write(stack: Stack, api: httpx.Client, tenant: Tenant) -> None:
    once = {"d1": 1, "kvReads": 0, "kvWrites": 0, "r2": 0, "fetches": 0}
    stack.restart_workers()
    cold = round_trips(api.post("/api/data", headers=tenant.headers("budget")))
    assert (cold["d1"], cold["kvReads"], cold["fetches"]) in ((1, 1, 0), (2, 1, 0))
    assert round_trips(api.post("/api/data", headers=tenant.headers("budget"))) == once
    assert round_trips(api.post("/api/data", headers=tenant.headers("budget", **{"Idempotency-Key": "b"}))) == once
    assert round_trips(api.post("/api/data", headers=tenant.headers("budget", **{"Idempotency-Key": "b"}))) == once
    assert round_trips(api.get("/api/usage", headers=tenant.headers("budget"))) == once
    assert (
        round_trips(api.post("/api/data", headers=tenant.headers("budget"), json={"quantity": 99})) == once
    )  # refused
    api.get("/api/tiers", headers=tenant.headers())
    assert round_trips(api.get("/api/tiers", headers=tenant.headers()))["d1"] <= 1
    assert round_trips(api.get("/health")) == {**once, "d1": 0}


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


def test_a_broken_http_request_takes_nobody_down(stack: Stack, api: httpx.Client) -> None:
    host, port = urlsplit(stack.url("api-multi")).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"POST /api/data HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n")
        assert b" 400 " in connection.recv(4096).split(b"\r\n")[0]
    assert api.get("/health").status_code == 200
