"""One HTTP request as handlers see it. Its body is read once, and its size is limited before it is parsed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast
from urllib.parse import parse_qsl

from dream.domain.json_text import parse_json
from dream.errors import BadRequest, UnsupportedMediaType

JSON_CAP_BYTES = 64 * 1024
MAXIMUM_FORM_FIELDS = 20


class Headers(Protocol):
    """The headers of a request."""

    def get(self, name: str) -> str | None:
        """The value of a header, or None. `name` is in lower case."""
        ...


ReadBody = Callable[[int], Awaitable[bytes]]
"""Reads the whole body. Raises TooLarge as soon as it is larger than the argument (bytes)."""


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a multipart form. A file has a `filename`; the content of any other field is text in UTF-8."""

    name: str
    filename: str | None
    content: bytes


ParseForm = Callable[[str, bytes], Awaitable[list[FormField]]]
"""Parses a multipart form from its Content-Type and its body. The fields keep their order.

Raises ValueError if the form is malformed or has more than MAXIMUM_FORM_FIELDS fields.
"""


class Request:
    """Method, path, query, headers, and a body that is read when a handler asks for it. `params` has the path parameters."""

    __slots__ = (
        "_body",
        "_parse_form",
        "_query",
        "_read_body",
        "headers",
        "method",
        "params",
        "path",
        "query_string",
        "request_id",
        "url",
    )

    def __init__(
        self,
        method: str,
        url: str,
        path: str,
        query_string: str,
        headers: Headers,
        read_body: ReadBody,
        parse_form: ParseForm,
        request_id: str,
    ) -> None:
        self.method = method
        self.url = url
        self.path = path
        self.query_string = query_string
        self.headers = headers
        self.request_id = request_id
        self.params: Mapping[str, str] = {}
        self._read_body = read_body
        self._parse_form = parse_form
        self._body: bytes | None = None
        self._query: dict[str, str] | None = None

    @property
    def query(self) -> Mapping[str, str]:
        """The query parameters. If a name is repeated, its first value counts. Raises BadRequest if the query string is malformed."""
        if self._query is None:
            try:
                pairs = parse_qsl(self.query_string, keep_blank_values=True, max_num_fields=100, errors="strict")
            except ValueError as error:
                raise BadRequest("The query string is malformed. Percent-encode its values.") from error
            self._query = {}
            for name, value in pairs:
                self._query.setdefault(name, value)
        return self._query

    def cookie(self, name: str) -> str | None:
        """The value of the first cookie with this name, as it was sent (RFC 6265, section 4.2.1). None if there is none."""
        for pair in (self.headers.get("cookie") or "").split(";"):
            cookie_name, _, value = pair.strip().partition("=")
            if cookie_name == name:
                return value
        return None

    @property
    def address(self) -> str:
        """The IP address of the caller, as Cloudflare reports it."""
        return self.headers.get("cf-connecting-ip") or "unknown"

    async def body(self, cap_bytes: int = JSON_CAP_BYTES) -> bytes:
        """The raw body. Raises TooLarge if it is larger than `cap_bytes`."""
        if self._body is None:
            self._body = await self._read_body(cap_bytes)
        return self._body

    async def form(self, cap_bytes: int) -> list[FormField]:
        """The fields of a multipart/form-data body (RFC 7578).

        Raises TooLarge if the body is larger than `cap_bytes`, and BadRequest if the form is malformed or has too many fields.
        """
        body = await self.body(cap_bytes)
        try:
            return await self._parse_form(self.headers.get("content-type") or "", body)
        except ValueError as error:
            message = f"Send the body as multipart/form-data with at most {MAXIMUM_FORM_FIELDS} fields."
            raise BadRequest(message, code="invalid_multipart", reason=str(error)) from error

    async def json(self) -> dict[str, Any]:
        """The body as a JSON object; an empty one if there is no body.

        Raises TooLarge, UnsupportedMediaType if the Content-Type is not JSON, and BadRequest if the body is not a JSON object.
        """
        raw = await self.body()
        if not raw:
            return {}
        content_type = self.headers.get("content-type")
        if content_type:
            media_type = content_type.partition(";")[0].strip().lower()
            # If a caller of fetch() sets no Content-Type, a text body becomes text/plain. Such a caller means JSON.
            if media_type not in ("application/json", "text/plain") and not media_type.endswith("+json"):
                raise UnsupportedMediaType("This route accepts JSON only. Send Content-Type: application/json.")
        try:
            value = parse_json(raw)
        except ValueError as error:
            raise BadRequest("The body is not valid JSON. Send a JSON object.", code="invalid_json") from error
        if not isinstance(value, dict):
            raise BadRequest("The body is not a JSON object. Send a JSON object.", code="invalid_json")
        return cast("dict[str, Any]", value)
