"""Uploads: forms are read as RFC 7578 has them, images are told by their bytes."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream.domain.images import AVIF, GIF, JPEG, PNG, WEBP, ImageType, asset_key, content_type_of, is_asset_key, sniff
from dream.errors import BadRequest
from dream.http.multipart import MAXIMUM_PARTS, parse_multipart

FORM = "multipart/form-data; boundary=frontier"


def form(*parts: tuple[str, bytes]) -> bytes:
    pieces = [f"--frontier\r\n{head}\r\n\r\n".encode() + content + b"\r\n" for head, content in parts]
    return b"".join(pieces) + b"--frontier--\r\n"


@given(st.binary(max_size=2000).filter(lambda content: b"\r\n--frontier" not in content))
def test_a_files_bytes_come_through_unchanged(content: bytes) -> None:
    body = form(
        ('Content-Disposition: form-data; name="note"', b"hello"),
        ('Content-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png', content),
    )
    note, file = parse_multipart(FORM, body)
    assert (note.name, note.filename, note.content) == ("note", None, b"hello")
    assert (file.name, file.filename, file.content) == ("file", "a.png", content)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", form()),
        (FORM, b""),
        (FORM, b"--frontier--"),
        (FORM, b"--frontier\r\n\r\nno headers\r\n"),
        (FORM, form(("X-Other: yes", b"no name"))),
        (FORM, form(("Content-Disposition: form-data", b"no name"))),
        (FORM, form(*[('Content-Disposition: form-data; name="a"', b"")] * (MAXIMUM_PARTS + 1))),
    ],
)
def test_a_malformed_form_is_a_400(content_type: str, body: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_multipart(content_type, body)


@given(st.binary(max_size=300))
def test_no_bytes_make_the_parser_fail_otherwise(body: bytes) -> None:
    with suppress(BadRequest):
        parse_multipart(FORM, b"--frontier\r\n" + body)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"\x89PNG\r\n\x1a\n...", PNG),
        (b"\xff\xd8\xff\xe1...", JPEG),
        (b"GIF87a...", GIF),
        (b"RIFF....WEBPVP8 ", WEBP),
        (b"\x00\x00\x00\x20ftypmif1\x00\x00\x00\x00mif1avifmiaf", AVIF),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00heicmif1", None),
        (b"RIFF....WAVEfmt ", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
        (b"", None),
    ],
)
def test_an_image_is_told_by_its_first_bytes(content: bytes, found: ImageType | None) -> None:
    assert sniff(content) == found


@given(st.binary(max_size=64), st.sampled_from([PNG, JPEG, GIF, WEBP, AVIF]))
def test_every_key_that_is_made_is_known_as_one(content: bytes, image_type: ImageType) -> None:
    key = asset_key("plt_abc123", content, image_type)
    assert is_asset_key(key)
    assert content_type_of(key) == image_type.content_type
    assert not is_asset_key(f"../{key}")
    assert not is_asset_key(f"{key}/..")
