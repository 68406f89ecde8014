"""Guarantee: a cursor leads back to where it was made, and anything else is refused as a bad field."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream.domain.cursors import MAXIMUM_CURSOR_LENGTH, cursor_after, limit_of, place_of
from dream.errors import InvalidFields


@given(st.tuples(st.text(max_size=150), st.text(max_size=150)))
def test_a_cursor_keeps_its_place(place: tuple[str, str]) -> None:
    assert place_of({"cursor": cursor_after(*place)}) == place


@given(st.text(min_size=1))
def test_no_text_breaks_it(text: str) -> None:
    try:
        place_of({"cursor": text})
    except InvalidFields as refused:
        assert set(refused.extra["fields"]) == {"cursor"}


def test_a_cursor_longer_than_any_of_ours_is_refused() -> None:
    with pytest.raises(InvalidFields):
        place_of({"cursor": cursor_after("a" * MAXIMUM_CURSOR_LENGTH, "b")})


@pytest.mark.parametrize("parts", [(), ("one",), ("one", "two", "three")])
def test_a_cursor_that_is_no_place_is_refused(parts: tuple[str, ...]) -> None:
    with pytest.raises(InvalidFields):
        place_of({"cursor": cursor_after(*parts)})


def test_without_a_cursor_a_page_is_the_first_one() -> None:
    assert place_of({}) is None


@pytest.mark.parametrize(("limit", "expected"), [("1", 1), ("100", 100), ("007", 7)])
def test_limits_within_bounds(limit: str, expected: int) -> None:
    assert limit_of({"limit": limit}) == expected


@pytest.mark.parametrize("limit", ["", "0", "101", "-1", "1.0", "١", "1e2", "9999"])
def test_limits_out_of_bounds(limit: str) -> None:
    with pytest.raises(InvalidFields):
        limit_of({"limit": limit})
