"""Multipart forms for tests: bodies as clients send them, malformed ones, and a parser for CPython."""

from __future__ import annotations

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from dream.http.request import MAXIMUM_FORM_FIELDS, FormField

CONTENT_TYPE = "multipart/form-data; boundary=frontier"
TEXT_FIELD = 'Content-Disposition: form-data; name="note"'
FILE_FIELD = 'Content-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png'


def form(*parts: tuple[str, bytes]) -> bytes:
    """A body of parts, each with its headers and its content."""
    pieces = [f"--frontier\r\n{head}\r\n\r\n".encode() + content + b"\r\n" for head, content in parts]
    return b"".join(pieces) + b"--frontier--\r\n"


MALFORMED = {
    "no boundary": ("multipart/form-data", form((FILE_FIELD, b""))),
    "empty": (CONTENT_TYPE, b""),
    "no headers": (CONTENT_TYPE, b"--frontier\r\n\r\nno headers\r\n"),
    "cut short": (CONTENT_TYPE, form((FILE_FIELD, b"x")).removesuffix(b"--\r\n")),
    "cut short in the headers": (CONTENT_TYPE, b"--frontier\r\nContent-Dispo"),
    "no disposition": (CONTENT_TYPE, form(("X-Other: yes", b"no name"))),
    "another disposition": (CONTENT_TYPE, form(('Content-Disposition: attachment; name="file"', b""))),
    "no name": (CONTENT_TYPE, form(("Content-Disposition: form-data", b"no name"))),
    "too many fields": (CONTENT_TYPE, form(*[(TEXT_FIELD, b"")] * MAXIMUM_FORM_FIELDS, (FILE_FIELD, b""))),
}
"""Content-Type and body of forms that every parser refuses."""


class _Fields:
    """Collects the fields from the callbacks of the parser."""

    def __init__(self) -> None:
        self.found: list[FormField] = []
        self.is_complete = False
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = self._content = b""

    def begin(self) -> None:
        self._headers, self._content = {}, b""

    def name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def content(self, data: bytes, start: int, end: int) -> None:
        self._content += data[start:end]

    def complete_field(self) -> None:
        disposition, options = parse_options_header(self._headers.get(b"content-disposition"))
        if disposition != b"form-data" or b"name" not in options:
            raise ValueError("a part has no name")
        filename = options.get(b"filename")
        self.found.append(
            FormField(options[b"name"].decode(), None if filename is None else filename.decode(), self._content)
        )

    def complete(self) -> None:
        self.is_complete = True


async def parse_form(content_type: str, body: bytes) -> list[FormField]:
    """`ParseForm` as the runtime does it, by python-multipart."""
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise ValueError("no boundary")
    fields = _Fields()
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": fields.begin,
            "on_header_field": fields.name,
            "on_header_value": fields.value,
            "on_header_end": fields.header,
            "on_part_data": fields.content,
            "on_part_end": fields.complete_field,
            "on_end": fields.complete,
        },
    )
    try:
        parser.write(body)
    except FormParserError as error:
        raise ValueError(str(error)) from error
    if not fields.is_complete:
        raise ValueError("the body does not end with its boundary")
    if len(fields.found) > MAXIMUM_FORM_FIELDS:
        raise ValueError(f"{len(fields.found)} fields")
    return fields.found
