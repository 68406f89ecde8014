"""What the runtime's form parser and R2 do with images: forms malformed and whole, bytes unchanged, five mebibytes and no more."""

from __future__ import annotations

import base64
import zlib

import httpx
import pytest

from devstack.stack.stack import Stack
from tests.support.multipart_forms import CONTENT_TYPE, FILE_FIELD, MALFORMED, TEXT_FIELD, form
from tests.support.tenants import Tenant, make_tenant

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00" + zlib.compress(
    b"\x00" * 5
)
MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def tenant(stack: Stack) -> Tenant:
    return make_tenant(stack)


def upload(
    api: httpx.Client, tenant: Tenant, content: bytes, name: str = "a.png", kind: str = "image/png"
) -> httpx.Response:
    return api.post("/api/assets", files={"file": (name, content, kind)}, headers=tenant.headers())


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
