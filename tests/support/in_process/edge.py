"""A worker's edge without the Workers runtime: HTTP requests and answers of httpx as the app's, and back."""

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
    """Header look-up; a header that came several times is one value, joined by commas."""

    def __init__(self, headers: httpx.Headers) -> None:
        self._headers = headers

    def get(self, name: str) -> str | None:
        return self._headers.get(name)


def request_of(request: httpx.Request, request_id: str) -> Request:
    """The request as handlers see it. Its body was read already."""
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
    """The response as the client gets it."""
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
    """The runtime refuses such a header with a TypeError, and the worker's answer with it."""
    assert not set(value) & {"\r", "\n", "\0"}, f"no header may hold {value!r}"
    return value
