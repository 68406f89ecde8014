"""Requests and responses: the runtime's request as ours, and our response as the runtime's."""

from __future__ import annotations

from typing import Any

import js
from pyodide.ffi import JsException, jsnull, to_js

from dream.cloudflare.values import js_object
from dream.errors import TooLarge
from dream.http.app import App
from dream.http.edge import declared_size, headers_over_base, path_and_query
from dream.http.request import MAXIMUM_FORM_FIELDS, FormField, Request
from dream.http.response import Response
from dream.runtime.context import Context


class JsHeaders:
    """The headers of a request. Each is read when somebody asks for it, because most are never needed."""

    __slots__ = ("_js",)

    def __init__(self, js_headers: Any) -> None:
        self._js = js_headers

    def get(self, name: str) -> str | None:
        value = self._js.get(name)
        return value if isinstance(value, str) else None


def request_of(js_request: Any, request_id: str) -> Request:
    """Our request. Its body is read later, when a handler asks for it."""
    url: str = js_request.url
    path, query_string = path_and_query(url)

    async def read_body(cap_bytes: int) -> bytes:
        return await _read_body(js_request, cap_bytes)

    return Request(
        js_request.method, url, path, query_string, JsHeaders(js_request.headers), read_body, _parse_form, request_id
    )


def response_of(app: App, context: Context, response: Response, base_headers: Any) -> Any:
    """The runtime's response: the base headers (JavaScript Headers), the response's own headers over them, and the body."""
    headers = js.Headers.new(base_headers)
    for name, value in headers_over_base(app, context, response):
        headers.set(name, value)
    for cookie in response.cookies:
        headers.append("Set-Cookie", cookie)
    body = response.body
    if body is None:
        headers.delete("Content-Type")
    return js.Response.new(
        jsnull if body is None else to_js(body) if isinstance(body, bytes) else body,
        status=response.status,
        headers=headers,
    )


async def _read_body(js_request: Any, cap_bytes: int) -> bytes:
    """The whole body. Raises TooLarge over the cap; a body without a declared size is counted while it is read."""
    content_length = js_request.headers.get("content-length")
    size = declared_size(content_length if isinstance(content_length, str) else None, cap_bytes)
    if size == 0:
        return b""
    if size is not None:
        return (await js_request.arrayBuffer()).to_bytes()
    stream = js_request.body
    if stream is None or stream is jsnull:
        return b""
    reader = stream.getReader()
    chunks: list[bytes] = []
    size = 0
    while not (part := await reader.read()).done:
        chunk = part.value.to_bytes()
        size += len(chunk)
        if size > cap_bytes:
            await reader.cancel()
            raise TooLarge(cap_bytes)
        chunks.append(chunk)
    return b"".join(chunks)


async def _parse_form(content_type: str, body: bytes) -> list[FormField]:
    """Implements ParseForm with the runtime's FormData."""
    headers = js_object({"Content-Type": content_type})
    try:
        form = await js.Response.new(to_js(body), headers=headers).formData()
    except JsException as error:
        raise ValueError(str(error)) from None
    entries = getattr(js.Array, "from")(form.entries())
    if entries.length > MAXIMUM_FORM_FIELDS:
        raise ValueError(f"{entries.length} fields")
    return [await _form_field(name, value) for name, value in entries]


async def _form_field(name: str, value: Any) -> FormField:
    if isinstance(value, str):
        return FormField(name, None, value.encode())
    return FormField(name, value.name, (await value.arrayBuffer()).to_bytes())
