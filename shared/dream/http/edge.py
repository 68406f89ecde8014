"""What is done to each request first and to each response last. `dream.cloudflare` and the in-process tests share it."""

from __future__ import annotations

from dream.errors import TooLarge
from dream.http.app import App
from dream.http.response import Response
from dream.runtime.context import Context


def path_and_query(url: str) -> tuple[str, str]:
    """The path and the query string of an absolute URL. Both stay percent-encoded."""
    location, _, query_string = url.partition("?")
    return "/" + location.partition("://")[2].partition("/")[2], query_string


def declared_size(content_length: str | None, cap_bytes: int) -> int | None:
    """The size of the body in bytes, from the header Content-Length. None without that header. Raises TooLarge over `cap_bytes`."""
    if content_length is None:
        return None
    if not content_length.isdigit() or int(content_length) > cap_bytes:
        raise TooLarge(cap_bytes)
    return int(content_length)


def without_body_for_head(method: str, response: Response) -> Response:
    """The same response, without its body if the method is HEAD (RFC 9110, section 9.3.2)."""
    if method != "HEAD":
        return response
    return Response(response.status, None, response.content_type, response.headers, response.cookies)


def headers_over_base(app: App, context: Context, response: Response) -> list[tuple[str, str]]:
    """The headers that this response sets over the base headers of its worker. Cookies are not included: each is its own header."""
    headers = [("X-Request-Id", context.request_id)]
    if response.content_type != app.content_type:
        headers.append(("Content-Type", response.content_type))
    headers.extend(response.headers.items())
    if context.settings.shows_round_trips:
        headers.append(("X-Round-Trips", context.trips.header()))
    return headers
