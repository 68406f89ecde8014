"""Guarantee: a return URL is an absolute http or https URL."""

from __future__ import annotations

import pytest

from dream.domain.return_urls import MAXIMUM_LENGTH, return_url_problem


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/thanks",
        "http://localhost:3000/?session_id={CHECKOUT_SESSION_ID}",
        "https://shop.example:8443/a%20b?c=d#e",
        "https://[::1]:3000/",
    ],
)
def test_absolute_web_addresses_are_taken(url: str) -> None:
    assert return_url_problem(url) is None


@pytest.mark.parametrize(
    "url",
    [
        None,
        5,
        "",
        "/relative",
        "//evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://shop.example",
        "https:///path",
        "https://",
        "https://user:password@shop.example/",
        "https://shop.example\\@evil.example/",
        "https://shop.example/\r\nX-Evil: 1",
        "https://shop.example/a b",
        "https://shop.example:port/",
        "https://shöp.example/",
        " https://shop.example/",
        "https://shop.example/" + "a" * MAXIMUM_LENGTH,
    ],
)
def test_all_else_is_refused(url: object) -> None:
    assert return_url_problem(url) is not None
