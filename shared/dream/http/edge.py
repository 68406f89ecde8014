"""What happens to each request and answer at a worker's edge. The Workers runtime and the tests' in-process stack share it."""

from __future__ import annotations

from dream.errors import TooLarge
from dream.http.app import App
from dream.http.response import Response
from dream.runtime.context import Context


def path_and_query(url: str) -> tuple[str, str]:
    """The path and the query string of an absolute URL, both still percent-encoded."""
    location, _, query_string = url.partition("?")
    return "/" + location.partition("://")[2].partition("/")[2], query_string


def declared_size(content_length: str | None, cap_bytes: int) -> int | None:
    """The body's size in bytes as the request declares it; None if it declares none. Raises TooLarge over the cap."""
    if content_length is None:
        return None
    if not content_length.isdigit() or int(content_length) > cap_bytes:
        raise TooLarge(cap_bytes)
    return int(content_length)


def without_body_for_head(method: str, response: Response) -> Response:
    """The response as it is; for HEAD without its body (RFC 9110, section 9.3.2)."""
    if method != "HEAD":
        return response
    return Response(response.status, None, response.content_type, response.headers, response.cookies)


def headers_over_base(app: App, context: Context, response: Response) -> list[tuple[str, str]]:
    """The headers that this answer sets over the worker's base headers. Cookies are not among them: each is a header of its own."""
    headers = [("X-Request-Id", context.request_id)]
    if response.content_type != app.content_type:
        headers.append(("Content-Type", response.content_type))
    headers.extend(response.headers.items())
    if context.settings.shows_round_trips:
        headers.append(("X-Round-Trips", context.trips.header()))
    return headers
