"""multipart/form-data (RFC 7578), read from a body that is already in memory and capped."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dream.errors import BadRequest

MAXIMUM_PARTS = 20
MAXIMUM_PART_HEADER_BYTES = 8 * 1024

_BOUNDARY = re.compile(r';\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))', re.ASCII | re.IGNORECASE)
_PARAMETER = re.compile(r';\s*(name|filename)="((?:[^"\\\r\n]|\\.)*)"', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form. `filename` is set for a file."""

    name: str
    filename: str | None
    content: bytes


def parse_multipart(content_type: str, body: bytes) -> list[Part]:
    """The parts in their order. Raises BadRequest for a body that is not what its Content-Type says."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise _malformed("The Content-Type names no boundary.")
    delimiter = b"--" + (found[1] or found[2]).encode()
    # Every delimiter but the first follows a line break, which belongs to it and not to the content before.
    pieces = (b"\r\n" + body).split(b"\r\n" + delimiter, MAXIMUM_PARTS + 2)
    if len(pieces) - 2 > MAXIMUM_PARTS:
        raise _malformed(f"A form may have {MAXIMUM_PARTS} parts at most.")
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        raise _malformed("The body does not end with its boundary.")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    head, separator, content = piece.lstrip(b" \t").removeprefix(b"\r\n").partition(b"\r\n\r\n")
    if not separator or len(head) > MAXIMUM_PART_HEADER_BYTES:
        raise _malformed("A part has no headers.")
    for line in head.decode("utf-8", "replace").split("\r\n"):
        field, _, value = line.partition(":")
        if field.strip().lower() == "content-disposition" and value.strip().lower().startswith("form-data"):
            named = {name.lower(): text for name, text in _PARAMETER.findall(value)}
            if "name" in named:
                return Part(named["name"], named.get("filename"), content)
    raise _malformed("A part has no name.")


def _malformed(message: str) -> BadRequest:
    return BadRequest(message, code="invalid_multipart")
