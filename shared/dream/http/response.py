"""One HTTP response, before the runtime turns it into its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"

_NO_HEADERS: Mapping[str, str] = {}


@dataclass(slots=True)
class Response:
    """Status, body and the headers that this answer adds to those of its worker."""

    status: int
    body: str | bytes | None
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=lambda: _NO_HEADERS)
    cookies: Sequence[str] = ()

    def with_headers(self, headers: Mapping[str, str]) -> Response:
        return Response(self.status, self.body, self.content_type, {**self.headers, **headers}, self.cookies)


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def json_response(value: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] = _NO_HEADERS) -> Response:
    """A JSON object as the answer."""
    return Response(status, _encode(value), JSON, headers)


def html_response(html: str, status: int = 200, headers: Mapping[str, str] = _NO_HEADERS) -> Response:
    """An HTML page as the answer; its Content-Security-Policy belongs to `headers`."""
    return Response(status, html, HTML, headers)


def redirect(location: str, cookies: Sequence[str] = ()) -> Response:
    """303 See Other. `location` must have been validated: it is sent as it is."""
    return Response(303, None, HTML, {"Location": location}, cookies)
