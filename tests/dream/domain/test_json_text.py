"""JSON from outside is refused if it is too deep or not valid text, before any code recurses into it or stores it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


LEAVES = st.text(alphabet='"\\\\[]{}a\n') | st.integers()


@given(LEAVES, st.lists(st.booleans(), max_size=MAXIMUM_DEPTH + 6), LEAVES)
def test_exactly_64_levels_are_read_whatever_the_strings_hold(
    leaf: str | int, arrays: list[bool], beside: str | int
) -> None:
    value: object = leaf
    for is_array in arrays:
        value = [beside, value] if is_array else {str(beside): value}
    text = json.dumps([beside] * 70).encode()[:-1] + b", " + json.dumps(value).encode() + b"]"
    if len(arrays) < MAXIMUM_DEPTH:
        assert parse_json(text) == json.loads(text)
    else:
        with pytest.raises(ValueError, match="nested too deeply"):
            parse_json(text)


def test_strings_may_cross_the_pieces_that_are_counted_at_once() -> None:
    brackets = "[" * 70_000
    flat = ["]", brackets, [[]], "{", brackets]
    assert parse_json(json.dumps(flat).encode()) == flat
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json(json.dumps([brackets]).encode()[:-1] + b"," + DEEP.encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_no_other_encoding_hides_nesting(encoding: str) -> None:
    """In UTF-16, a byte of the character U+2200 equals a quotation mark. Brackets after it would not be counted."""
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
