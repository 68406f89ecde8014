"""Translates requests of httpx to the app's requests, and the app's responses to responses of httpx."""

from __future__ import annotations

import httpx

from dream.errors import TooLarge
from dream.http.app import App
from dream.http.edge import declared_size, headers_over_base, path_and_query, without_body_for_head
from dream.http.request import Request
from dream.http.response import Response
from dream.runtime.context import Context
from tests.support.multipart_forms import parse_form


class RequestHeaders:
    """The headers of a request. Several headers with the same name are one value, joined by commas."""

    def __init__(self, headers: httpx.Headers) -> None:
        self._headers = headers

    def get(self, name: str) -> str | None:
        return self._headers.get(name)


def request_of(request: httpx.Request, request_id: str) -> Request:
    """The request for the app. Its body must be read already."""
    url = str(request.url.copy_with(fragment=None))
    path, query_string = path_and_query(url)
    content = request.content

    async def read_body(cap_bytes: int) -> bytes:
        declared_size(request.headers.get("content-length"), cap_bytes)
        if len(content) > cap_bytes:
            raise TooLarge(cap_bytes)
        return content

    return Request(
        request.method, url, path, query_string, RequestHeaders(request.headers), read_body, parse_form, request_id
    )


def answer_of(app: App, context: Context, request: Request, response: Response) -> httpx.Response:
    """The response for the client."""
    response = without_body_for_head(request.method, response)
    headers = httpx.Headers(dict(app.base_headers(context)))
    for name, value in headers_over_base(app, context, response):
        headers[name] = _allowed(value)
    if response.body is None:
        headers.pop("content-type", None)
    cookies = [("Set-Cookie", _allowed(cookie)) for cookie in response.cookies]
    body = response.body.encode() if isinstance(response.body, str) else response.body
    return httpx.Response(response.status, headers=[*headers.multi_items(), *cookies], content=body)


def _allowed(value: str) -> str:
    """Whether the runtime accepts a header value. If not, it raises TypeError and the worker's answer is lost."""
    assert not set(value) & {"\r", "\n", "\0"}, f"no header may hold {value!r}"
    return value
