"""Guarantee: only images get in, known by their bytes; what is served can do nothing at our origin."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import Any

import httpx
import pytest

from tests.support.multipart_forms import CONTENT_TYPE, FILE_FIELD, MALFORMED, TEXT_FIELD, form
from tests.support.tenants import Tenant

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00" + zlib.compress(
    b"\x00" * 5
)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9"
GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"
WEBP = b"RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"
AVIF = b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avifmiaf" + b"\x00" * 16
IMAGES = {"image/png": PNG, "image/jpeg": JPEG, "image/gif": GIF, "image/webp": WEBP, "image/avif": AVIF}
MEBIBYTE = 1024 * 1024


def upload(
    api: httpx.Client, tenant: Tenant, content: bytes, name: str = "a.png", kind: str = "image/png"
) -> httpx.Response:
    return api.post("/api/assets", files={"file": (name, content, kind)}, headers=tenant.headers())


@pytest.mark.parametrize(("kind", "content"), IMAGES.items())
def test_an_image_comes_back_byte_by_byte_with_its_own_type(
    api: httpx.Client, tenant: Tenant, kind: str, content: bytes
) -> None:
    stored = upload(api, tenant, content, "what.txt", "text/html").json()
    assert stored["key"].startswith(tenant.publishable_key)
    assert "/" not in stored["key"]
    served = api.get(f"/api/assets/{stored['key']}")
    assert stored["url"].endswith(f"/api/assets/{stored['key']}")
    assert served.content == content
    assert served.headers["Content-Type"] == kind
    assert served.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert served.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert hashlib.sha256(content).hexdigest() in served.headers["ETag"]


def test_base64_in_json_is_the_same_asset(api: httpx.Client, tenant: Tenant) -> None:
    encoded = base64.b64encode(PNG).decode()
    first = upload(api, tenant, PNG).json()
    for data in (encoded, f"data:image/svg+xml;base64,{encoded}"):
        body = {"filename": "a.svg", "contentType": "image/svg+xml", "data": data}
        again = api.post("/api/assets", json=body, headers=tenant.headers())
        assert again.json()["key"] == first["key"]


def test_an_image_that_the_client_has_is_a_304(api: httpx.Client, tenant: Tenant) -> None:
    url = f"/api/assets/{upload(api, tenant, PNG).json()['key']}"
    etag = api.get(url).headers["ETag"]
    for tags in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = api.get(url, headers={"If-None-Match": tags})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == etag
    assert api.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<!doctype html><script>alert(1)</script>",
        b"GIF88a<script>alert(1)</script>",
        b" \x89PNG\r\n\x1a\n",
        b"\x89PNG\n\x1a\n",
        b"RIFF\x00\x00\x00\x00WAVEfmt ",
        b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00isommp42",
        b"%PDF-1.7",
        b"PK\x03\x04",
        b"BM" + b"\x00" * 40,
    ],
)
def test_a_file_that_is_no_image_is_refused_whatever_its_type_says(
    api: httpx.Client, tenant: Tenant, content: bytes
) -> None:
    assert upload(api, tenant, content, "image.png", "image/png").status_code == 415
    body = {"data": base64.b64encode(content).decode(), "contentType": "image/png"}
    assert api.post("/api/assets", json=body, headers=tenant.headers()).status_code == 415


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "multipart/form-data", 400),
        (b"", "multipart/form-data; boundary=x", 400),
        (b"--x\r\n\r\n\r\n--x--", "multipart/form-data; boundary=x", 400),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--', "multipart/form-data; boundary=x", 400),
        (b"{}", "application/json", 400),
        (b'{"data": "***"}', "application/json", 400),
        (b'{"data": 5}', "application/json", 400),
        (b"[1]", "application/json", 400),
        (b"x=1", "application/x-www-form-urlencoded", 415),
    ],
)
def test_a_malformed_upload_is_refused(
    api: httpx.Client, tenant: Tenant, body: bytes, content_type: str, status: int
) -> None:
    headers = {**tenant.headers(), "Content-Type": content_type}
    assert api.post("/api/assets", content=body, headers=headers).status_code == status


@pytest.mark.parametrize(("content_type", "body"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_form_is_a_400(api: httpx.Client, tenant: Tenant, content_type: str, body: bytes) -> None:
    """The same forms that the parser under CPython refuses."""
    answer = api.post("/api/assets", content=body, headers={**tenant.headers(), "Content-Type": content_type})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_multipart")


@pytest.mark.parametrize(
    "ending", [b"", b"\r", b"\n", b"\r\n", b"\r\n--frontie", b"\r\n\r\n--", b"\xff\x00\xfe", bytes(range(256)) * 3]
)
def test_a_files_bytes_come_through_a_form_unchanged(api: httpx.Client, tenant: Tenant, ending: bytes) -> None:
    body = form((TEXT_FIELD, b"hello"), (FILE_FIELD, PNG + ending))
    stored = api.post("/api/assets", content=body, headers={**tenant.headers(), "Content-Type": CONTENT_TYPE})
    assert api.get(f"/api/assets/{stored.json()['key']}").content == PNG + ending


def test_a_form_has_exactly_one_file(api: httpx.Client, tenant: Tenant) -> None:
    for parts in ([(TEXT_FIELD, PNG)], [(FILE_FIELD, PNG)] * 2):
        headers = {**tenant.headers(), "Content-Type": CONTENT_TYPE}
        answer = api.post("/api/assets", content=form(*parts), headers=headers)
        assert (answer.status_code, answer.json()["fields"]) == (400, {"file": "exactly one file"})


def test_five_mebibytes_fit_and_not_one_byte_more(api: httpx.Client, tenant: Tenant) -> None:
    largest = PNG + b"\x00" * (5 * MEBIBYTE - len(PNG))
    stored = upload(api, tenant, largest)
    assert stored.status_code == 200, stored.text
    assert api.get(f"/api/assets/{stored.json()['key']}").content == largest
    assert upload(api, tenant, largest + b"\x00").status_code == 413
    body = {"data": base64.b64encode(largest).decode()}
    assert api.post("/api/assets", json=body, headers=tenant.headers()).status_code == 200
    body = {"data": base64.b64encode(largest + b"\x00").decode()}
    assert api.post("/api/assets", json=body, headers=tenant.headers()).status_code == 413
    assert upload(api, tenant, PNG + b"\x00" * (8 * MEBIBYTE)).status_code == 413


@pytest.mark.parametrize(
    "key",
    [
        "absent.png",
        "..%2f..%2fsecret",
        "%2e%2e",
        "plt_x.y.png",
        "pk_test_x." + "0" * 64 + ".svg",
        "%00",
        "a%0d%0aX-Evil: 1",
    ],
)
def test_a_key_that_is_no_images_is_a_404(api: httpx.Client, key: str) -> None:
    answer = api.get(f"/api/assets/{key}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_only_a_secret_key_uploads(api: httpx.Client, tenant: Tenant) -> None:
    for headers in ({}, {"X-Publishable-Key": tenant.publishable_key}, {"Authorization": "Bearer sk_test_nonsense"}):
        answer: Any = api.post("/api/assets", files={"file": ("a.png", PNG)}, headers=headers)
        assert answer.status_code == 401
