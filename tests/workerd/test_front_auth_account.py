"""The developer's own account at front-auth-api: one platform id, the allowance, credentials, images. In workerd."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from devstack.stack.stack import Stack
from dream.domain.images import CACHE_CONTROL, MAXIMUM_IMAGE_BYTES
from tests.support.developers import Developer, make_developer
from tests.support.stripe_accounts import StripeControls

WORKER = "front-auth-api"
PNG = b"\x89PNG\r\n\x1a\n"
IMAGES = {
    "image/png": (PNG + b"rest", "png"),
    "image/jpeg": (b"\xff\xd8\xff\xe0rest", "jpg"),
    "image/gif": (b"GIF89arest", "gif"),
    "image/webp": (b"RIFF\x04\x00\x00\x00WEBPrest", "webp"),
    "image/avif": (b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf", "avif"),
}
NO_IMAGES = {
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "html": b"<!doctype html><script>alert(1)</script>",
    "pdf": b"%PDF-1.7",
    "a png in name only": b"png",
}


@pytest.fixture
def newcomer(stack: Stack, stripe: StripeControls) -> Developer:
    """A developer who has just signed up, and has no platform that we know of."""
    return make_developer(stack, stripe, platform=False)


@pytest.fixture
def developer(stack: Stack, stripe: StripeControls) -> Developer:
    return make_developer(stack, stripe, connected=())


def call(developer: Developer, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
    return developer.request(method, path, body, worker=WORKER, headers=headers)


def platforms_of(stack: Stack, developer: Developer) -> list[dict[str, Any]]:
    return stack.d1("SELECT * FROM platforms WHERE clerkUserId = ?1", developer.user_id)


def test_a_developer_has_one_platform_id_however_many_calls_ask_at_once(stack: Stack, newcomer: Developer) -> None:
    calls = [("POST", "/generate-platform-id"), ("POST", "/generate-credentials"), ("GET", "/get-platform-id")] * 4
    with ThreadPoolExecutor(len(calls)) as pool:
        answers = list(pool.map(lambda each: call(newcomer, *each), calls))
    assert {answer.status_code for answer in answers} == {200}
    ids = {answer.json()["platformId"] for answer in answers}
    assert len(ids) == 1
    assert next(iter(ids)).startswith("plt_")
    assert [row["platformId"] for row in platforms_of(stack, newcomer)] == list(ids)


def test_the_allowance_is_never_passed_however_many_calls_come_at_once(stack: Stack, newcomer: Developer) -> None:
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: call(newcomer, "POST", "/verify-auth", {}), range(12)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [403] * 7
    allowed = [answer.json() for answer in answers if answer.status_code == 200]
    assert sorted(answer["usage"]["usageCount"] for answer in allowed) == [1, 2, 3, 4, 5]
    assert {(answer["success"], answer["userId"], answer["plan"]) for answer in allowed} == {
        (True, newcomer.user_id, "free")
    }
    refused = next(answer.json() for answer in answers if answer.status_code == 403)
    assert (refused["code"], refused["allowed"], refused["limit"], refused["usage"]["remaining"]) == (
        "tier_limit_reached",
        False,
        5,
        0,
    )
    assert refused["resetsAt"] == refused["usage"]["periodEnd"]
    (count,) = stack.d1("SELECT usageCount FROM platform_usage_counts WHERE platformId = ?1", allowed[0]["platformId"])
    assert count["usageCount"] == 5


def test_a_paying_developer_has_five_hundred_calls_a_month(stack: Stack, developer: Developer) -> None:
    first = call(developer, "POST", "/verify-auth", {}).json()
    assert (first["plan"], first["usage"]["limit"], first["usage"]["remaining"]) == ("paid", 500, 499)
    stack.d1("UPDATE platform_usage_counts SET usageCount = 499 WHERE platformId = ?1", developer.platform_id)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: call(developer, "POST", "/verify-auth", {}), range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 403, 403, 403]


def test_a_calendar_month_has_an_allowance_of_its_own(stack: Stack, newcomer: Developer) -> None:
    platform_id = call(newcomer, "POST", "/verify-auth", {}).json()["platformId"]
    stack.d1(
        "UPDATE platform_usage_counts SET usageCount = 5, periodStart = '2026-01-01T00:00:00.000Z' WHERE platformId = ?1",
        platform_id,
    )
    assert call(newcomer, "POST", "/verify-auth", {}).json()["usage"]["usageCount"] == 1


def test_a_developer_without_a_project_has_no_credentials_yet(developer: Developer) -> None:
    answer = call(developer, "GET", "/get-credentials")
    assert answer.status_code == 200
    assert answer.json() == {
        "platformId": developer.platform_id,
        "publishableKey": None,
        "testPublishableKey": None,
        "testSecretKey": None,
        "livePublishableKey": None,
        "liveSecretKey": None,
        "testProducts": [],
        "liveProducts": [],
    }


@pytest.mark.parametrize("path", ["/generate-platform-id", "/create-checkout", "/verify-auth", "/upload-asset"])
def test_nothing_is_answered_without_a_developers_token(stack: Stack, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic abc"}):
        answer = httpx.post(f"{stack.url(WORKER)}{path}", json={}, headers=headers)
        assert answer.status_code == 401
        assert set(answer.json()) == {"error", "code", "message", "requestId"}


def test_only_listed_origins_may_read_the_answers(stack: Stack, developer: Developer) -> None:
    frontend = stack.url("frontend")
    for origin, allowed in ((frontend, frontend), ("https://evil.example", None)):
        answer = call(developer, "GET", "/subscription", Origin=origin)
        assert answer.headers.get("access-control-allow-origin") == allowed


# Images


def as_form(content: bytes, filename: str, content_type: str) -> dict[str, Any]:
    return {"files": {"file": (filename, content, content_type)}}


def as_json(content: bytes, filename: str, content_type: str) -> dict[str, Any]:
    sent = {"filename": filename, "contentType": content_type, "data": base64.b64encode(content).decode()}
    return {"json": sent}


def upload(developer: Developer, **request: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {developer.token}"}
    return httpx.post(f"{developer.stack.url(WORKER)}/upload-asset", headers=headers, timeout=60, **request)


@pytest.mark.parametrize("content_type", IMAGES)
@pytest.mark.parametrize("send", [as_form, as_json])
def test_an_image_is_stored_under_its_content_and_served_unchanged_for_good(
    developer: Developer, content_type: str, send: Any
) -> None:
    content, extension = IMAGES[content_type]
    answer = upload(developer, **send(content, "picture", "application/octet-stream"))
    assert answer.status_code == 200, answer.text
    stored = answer.json()
    assert stored["key"] == f"{developer.platform_id}.{hashlib.sha256(content).hexdigest()}.{extension}"
    served = httpx.get(stored["url"])
    assert (served.status_code, served.content, served.headers["content-type"]) == (200, content, content_type)
    assert served.headers["cache-control"] == CACHE_CONTROL
    assert served.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("content", NO_IMAGES.values(), ids=NO_IMAGES)
@pytest.mark.parametrize("send", [as_form, as_json])
def test_what_is_no_image_is_refused_whatever_it_calls_itself(developer: Developer, content: bytes, send: Any) -> None:
    answer = upload(developer, **send(content, "picture.png", "image/png"))
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_image")


@pytest.mark.parametrize("send", [as_form, as_json])
def test_an_image_of_five_mebibytes_is_taken_and_one_byte_more_is_not(developer: Developer, send: Any) -> None:
    largest = PNG + os.urandom(MAXIMUM_IMAGE_BYTES - len(PNG))
    taken = upload(developer, **send(largest, "a.png", "image/png"))
    assert taken.status_code == 200, taken.text
    assert httpx.get(taken.json()["url"]).content == largest
    assert upload(developer, **send(largest + b"!", "a.png", "image/png")).status_code == 413


@pytest.mark.parametrize(
    "request_",
    [
        {"json": {}},
        {"json": {"data": "not base64!"}},
        {"json": {"data": 5}},
        {"content": b"--x\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        {"content": b"", "headers": {"Content-Type": "multipart/form-data"}},
        {"content": b"[]", "headers": {"Content-Type": "application/json"}},
    ],
)
def test_a_malformed_upload_is_a_400(developer: Developer, request_: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {developer.token}", **request_.pop("headers", {})}
    answer = httpx.post(f"{developer.stack.url(WORKER)}/upload-asset", headers=headers, **request_)
    assert answer.status_code == 400, answer.text
    assert json.loads(answer.text)["requestId"]
