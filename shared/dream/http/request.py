"""One HTTP request as handlers see it. The body is read once, capped before it is parsed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast
from urllib.parse import parse_qsl

from dream.domain.json_text import parse_json
from dream.errors import BadRequest, UnsupportedMediaType

JSON_CAP_BYTES = 64 * 1024
ASSET_CAP_BYTES = 5 * 1024 * 1024
MAXIMUM_FORM_FIELDS = 20


class Headers(Protocol):
    """Header look-up by lower-case name."""

    def get(self, name: str) -> str | None: ...


ReadBody = Callable[[int], Awaitable[bytes]]
"""Reads the whole body; raises TooLarge as soon as it passes the cap (bytes)."""


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a multipart form. `filename` is set for a file; the content of any other field is text in UTF-8."""

    name: str
    filename: str | None
    content: bytes


ParseForm = Callable[[str, bytes], Awaitable[list[FormField]]]
"""Parses a multipart form from its Content-Type and body. The fields keep their order.

Raises ValueError for a malformed form, and for one with more than MAXIMUM_FORM_FIELDS fields.
"""


class Request:
    """Method, path, query, headers and a body that is read on demand."""

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
        """The query parameters; of a repeated name the first value."""
        if self._query is None:
            try:
                pairs = parse_qsl(self.query_string, keep_blank_values=True, max_num_fields=100, errors="strict")
            except ValueError as error:
                raise BadRequest("The query string is malformed.") from error
            self._query = {}
            for name, value in pairs:
                self._query.setdefault(name, value)
        return self._query

    def cookie(self, name: str) -> str | None:
        """The value of the first cookie of this name, as sent (RFC 6265, 4.2.1); None if there is none."""
        for pair in (self.headers.get("cookie") or "").split(";"):
            found, _, value = pair.strip().partition("=")
            if found == name:
                return value
        return None

    @property
    def address(self) -> str:
        """The caller's address, as Cloudflare names it."""
        return self.headers.get("cf-connecting-ip") or "unknown"

    async def body(self, cap_bytes: int = JSON_CAP_BYTES) -> bytes:
        """The raw body. Raises TooLarge over `cap_bytes`."""
        if self._body is None:
            self._body = await self._read_body(cap_bytes)
        return self._body

    async def form(self, cap_bytes: int) -> list[FormField]:
        """The fields of a multipart/form-data body (RFC 7578), capped before it is parsed.

        Raises TooLarge over `cap_bytes`, BadRequest for a malformed form or more than 20 fields.
        """
        body = await self.body(cap_bytes)
        try:
            return await self._parse_form(self.headers.get("content-type") or "", body)
        except ValueError as error:
            message = f"The body is not a multipart form of at most {MAXIMUM_FORM_FIELDS} fields."
            raise BadRequest(message, code="invalid_multipart", reason=str(error)) from error

    async def json(self) -> dict[str, Any]:
        """The body as a JSON object; `{}` when there is none.

        Raises TooLarge, UnsupportedMediaType for a declared type that is not JSON, BadRequest for anything but an object.
        """
        raw = await self.body()
        if not raw:
            return {}
        content_type = self.headers.get("content-type")
        if content_type:
            media_type = content_type.partition(";")[0].strip().lower()
            # fetch() labels a bare string body text/plain; such clients mean JSON.
            if media_type not in ("application/json", "text/plain") and not media_type.endswith("+json"):
                raise UnsupportedMediaType("This route takes application/json.")
        try:
            value = parse_json(raw)
        except ValueError as error:
            raise BadRequest("The body is not valid JSON.", code="invalid_json") from error
        if not isinstance(value, dict):
            raise BadRequest("The body must be a JSON object.", code="invalid_json")
        return cast("dict[str, Any]", value)
