"""One HTTP response, as a handler returns it."""

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
    """Status, body, and the headers that this response sets over the base headers of its worker."""

    status: int
    body: str | bytes | None
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=lambda: _NO_HEADERS)
    cookies: Sequence[str] = ()

    def with_headers(self, headers: Mapping[str, str]) -> Response:
        """A copy with these headers too."""
        return Response(self.status, self.body, self.content_type, {**self.headers, **headers}, self.cookies)


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def json_response(value: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] = _NO_HEADERS) -> Response:
    """A response with a JSON object."""
    return Response(status, _encode(value), JSON, headers)


def html_response(html: str, status: int = 200, headers: Mapping[str, str] = _NO_HEADERS) -> Response:
    """A response with an HTML page. Give its Content-Security-Policy in `headers`."""
    return Response(status, html, HTML, headers)


def redirect(location: str, cookies: Sequence[str] = ()) -> Response:
    """303 See Other. The caller must have validated `location`, because it is sent unchanged."""
    return Response(303, None, HTML, {"Location": location}, cookies)
