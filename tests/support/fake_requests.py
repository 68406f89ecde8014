"""Requests for tests of one credential or one handler."""

from __future__ import annotations

from collections.abc import Mapping

from dream.http.request import Request
from tests.support.multipart_forms import parse_form


class FakeHeaders:
    """Headers whose names are not case-sensitive."""

    def __init__(self, named: Mapping[str, str]) -> None:
        self._named = {name.lower(): value for name, value in named.items()}

    def get(self, name: str) -> str | None:
        return self._named.get(name.lower())


def request_with(**headers: str) -> Request:
    """A GET request with these headers. An underscore in a name means a hyphen."""

    async def no_body(cap_bytes: int) -> bytes:
        return b""

    named = FakeHeaders({name.replace("_", "-"): value for name, value in headers.items()})
    return Request("GET", "https://worker.example/", "/", "", named, no_body, parse_form, "req_test")
