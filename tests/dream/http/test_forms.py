"""Multipart forms are read as RFC 7578 describes them, and capped before they are read."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream.errors import BadRequest, TooLarge
from dream.http.request import FormField, Request
from tests.support.fake_requests import FakeHeaders
from tests.support.multipart_forms import CONTENT_TYPE, FILE_FIELD, MALFORMED, TEXT_FIELD, form, parse_form


def fields_of(content_type: str, body: bytes) -> list[FormField]:
    async def read_body(cap_bytes: int) -> bytes:
        if len(body) > cap_bytes:
            raise TooLarge(cap_bytes)
        return body

    headers = FakeHeaders({"Content-Type": content_type})
    request = Request("POST", "https://worker.example/", "/", "", headers, read_body, parse_form, "req_test")
    return asyncio.run(request.form(10_000))


@given(st.binary(max_size=2000).filter(lambda content: b"--frontier" not in content))
def test_a_files_bytes_come_through_unchanged(content: bytes) -> None:
    note, file = fields_of(CONTENT_TYPE, form((TEXT_FIELD, b"hello"), (FILE_FIELD, content)))
    assert (note.name, note.filename, note.content) == ("note", None, b"hello")
    assert (file.name, file.filename, file.content) == ("file", "a.png", content)


@pytest.mark.parametrize(("content_type", "body"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_form_is_a_400(content_type: str, body: bytes) -> None:
    with pytest.raises(BadRequest) as refusal:
        fields_of(content_type, body)
    assert (refusal.value.status, refusal.value.code) == (400, "invalid_multipart")


def test_a_form_is_capped_before_it_is_parsed() -> None:
    with pytest.raises(TooLarge):
        fields_of("multipart/form-data", b"x" * 10_001)


@given(st.binary(max_size=300))
def test_no_bytes_make_the_parser_fail_otherwise(body: bytes) -> None:
    with suppress(BadRequest):
        fields_of(CONTENT_TYPE, b"--frontier\r\n" + body)
