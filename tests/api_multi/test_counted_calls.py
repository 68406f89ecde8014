"""Guarantee: `POST /api/data` refuses every bad input by name, and a refused call counts nothing."""

from __future__ import annotations

import httpx
import pytest

from tests.support.answers import assert_error
from tests.support.tenants import Tenant

HIDDEN_NESTING = ('["\u2200",' + "[" * 15_000 + '"').encode("utf-16-le")
"""Brackets that a reader of bytes takes for a string: in UTF-16 the first character of it has the byte of a quotation mark."""


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
