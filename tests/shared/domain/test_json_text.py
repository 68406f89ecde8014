"""JSON from outside: what is too deep, or no text at all, is refused before anything recurses or stores it."""

from __future__ import annotations

import pytest

from dream.domain.json_text import MAXIMUM_DEPTH, parse_json

DEEP = "[" * 15_000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a": [1, "\xc3\xbc"]}', {"a": [1, "ü"]}),
        (b"\xef\xbb\xbf{}", {}),
        (rb'"\ud83d\ude00 \u00fc"', "😀 ü"),
        (b'"' + b"[" * 1_000 + b'"', "[" * 1_000),
        (b"[" * MAXIMUM_DEPTH + b"]" * MAXIMUM_DEPTH, None),
    ],
)
def test_json_is_read(text: bytes, value: object) -> None:
    read = parse_json(text)
    assert value is None or read == value


@pytest.mark.parametrize("text", [DEEP, '{"a":' * 15_000, f'["\\"",{DEEP}"]', f'"",{DEEP}'])
def test_deep_nesting_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_json(text.encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_no_other_encoding_hides_nesting(encoding: str) -> None:
    """In UTF-16 the character \u2200 has the byte of a quotation mark, behind which brackets would not be counted."""
    with pytest.raises(ValueError):
        parse_json(f'["\u2200",{DEEP}"'.encode(encoding))
    with pytest.raises(ValueError):
        parse_json('{"quantity": 1}'.encode(encoding))


@pytest.mark.parametrize(
    "text",
    [rb'"\ud800"', rb'{"\uDFFF": 1}', rb'["\ude00\ud83d"]', b'"\xed\xa0\x80"', b'"\xff"', b"NaN", b"[1e400, Infinity]"],
)
def test_what_is_no_text_or_number_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        parse_json(text)
