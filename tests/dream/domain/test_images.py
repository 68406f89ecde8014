"""Images: told by their bytes, and stored under keys that are recognised again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream.domain.images import AVIF, GIF, JPEG, PNG, WEBP, ImageType, asset_key, content_type_of, is_asset_key, sniff


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
