"""`POST /upload-asset`: images only, stored under the hash of their content."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import Any

import httpx
import pytest

from dream.domain.images import CACHE_CONTROL, MAXIMUM_IMAGE_BYTES
from tests.support.developers import Developer

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


def as_form(content: bytes, filename: str, content_type: str) -> dict[str, Any]:
    return {"files": {"file": (filename, content, content_type)}}


def as_json(content: bytes, filename: str, content_type: str) -> dict[str, Any]:
    sent = {"filename": filename, "contentType": content_type, "data": base64.b64encode(content).decode()}
    return {"json": sent}


def upload(developer: Developer, headers: dict[str, str] | None = None, **request: Any) -> httpx.Response:
    sent = {"Authorization": f"Bearer {developer.token}", **(headers or {})}
    return developer.stack.http(WORKER).post("/upload-asset", headers=sent, **request)


@pytest.mark.parametrize("content_type", IMAGES)
@pytest.mark.parametrize("send", [as_form, as_json])
def test_an_image_is_stored_under_the_hash_of_its_content_and_served_unchanged(
    developer: Developer, content_type: str, send: Any
) -> None:
    content, extension = IMAGES[content_type]
    answer = upload(developer, **send(content, "picture", "application/octet-stream"))
    assert answer.status_code == 200, answer.text
    stored = answer.json()
    assert stored["key"] == f"{developer.platform_id}.{hashlib.sha256(content).hexdigest()}.{extension}"
    served = developer.stack.http(WORKER).get(stored["url"])
    assert (served.status_code, served.content, served.headers["content-type"]) == (200, content, content_type)
    assert served.headers["cache-control"] == CACHE_CONTROL
    assert served.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("content", NO_IMAGES.values(), ids=NO_IMAGES)
@pytest.mark.parametrize("send", [as_form, as_json])
def test_other_content_is_refused_even_if_it_claims_to_be_an_image(
    developer: Developer, content: bytes, send: Any
) -> None:
    answer = upload(developer, **send(content, "picture.png", "image/png"))
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_image")


@pytest.mark.parametrize("send", [as_form, as_json])
def test_an_image_may_have_five_mebibytes_and_not_one_byte_more(developer: Developer, send: Any) -> None:
    largest = PNG + os.urandom(MAXIMUM_IMAGE_BYTES - len(PNG))
    taken = upload(developer, **send(largest, "a.png", "image/png"))
    assert taken.status_code == 200, taken.text
    assert developer.stack.http(WORKER).get(taken.json()["url"]).content == largest
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
    answer = upload(developer, **request_)
    assert answer.status_code == 400, answer.text
    assert answer.json()["requestId"]
