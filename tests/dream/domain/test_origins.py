"""Redirect origins: only what a browser would itself call an origin, and only where tokens may go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream.domain.keys import Mode
from dream.domain.origins import origin_of, origin_problem


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("https://app.example.com:443/a?b#c", "https://app.example.com"),
        ("HTTPS://APP.example.com/", "https://app.example.com"),
        ("http://localhost:3000/back", "http://localhost:3000"),
        ("https://user:pass@app.example.com/", "https://app.example.com"),
        ("ftp://app.example.com", None),
        ("javascript:alert(1)", None),
        ("https://", None),
        ("https://app.example.com:0", None),
        ("https://[::1", None),
    ],
)
def test_an_origin_is_what_a_browser_calls_it(url: str, origin: str | None) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "origin", ["http://localhost", "http://localhost:5173", "http://127.0.0.1:8080", "https://localhost"]
)
def test_this_machine_is_for_test_projects_only(origin: str) -> None:
    assert origin_problem(origin, "test") is None
    assert origin_problem(origin, "live") is not None


@given(st.text(max_size=60), st.sampled_from(["test", "live"]))
def test_nothing_that_is_taken_has_more_than_scheme_host_and_port(text: str, mode: Mode) -> None:
    for candidate in (text, f"https://{text}", f"https://app.example.com{text}"):
        if origin_problem(candidate, mode) is None:
            assert origin_of(candidate) == candidate
            assert candidate.count("/") == 2
            assert not set(candidate) & set("?#@*\\ %")
            assert candidate == candidate.lower()
            assert candidate.isascii()
