"""Parses JSON that comes from outside, and limits the depth of its nesting first.

The parser recurses, and the stack of the Python runtime is small: a few kilobytes of opening brackets would end the isolate. The
encoding is never guessed, because the brackets are counted in UTF-8.
"""

from __future__ import annotations

import json
import re
from itertools import accumulate

MAXIMUM_DEPTH = 64

# An opening bracket is one step down (1), a closing bracket one step up (-1 as a signed byte).
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NEITHER_QUOTE_NOR_BRACKET = bytes(set(range(256)) - set(b'"[{]}'))
_CHUNK_BYTES = 64 * 1024

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def parse_json(text: bytes) -> object:
    """The value of a JSON text in UTF-8 (RFC 8259, section 8.1).

    Raises ValueError if the text is not JSON, if it is nested deeper than 64 levels, and if it has half of a surrogate pair, which
    no database and no vendor accepts.
    """
    characters = text.decode("utf-8-sig")
    if text.count(b"[") + text.count(b"{") > MAXIMUM_DEPTH:
        _limit_depth(text)
    try:
        value: object = json.loads(characters, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if _SURROGATE.search(text):
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _limit_depth(text: bytes) -> None:
    """Raises ValueError if the text is nested deeper than 64 levels. The time grows in proportion to the length of any text.

    Once escaped backslashes and escaped quotes are removed, every quote opens or closes a string. So the pieces between quotes are
    alternately outside and inside a string. The text is split in chunks, which limits the memory that the pieces take.
    """
    unescaped = text.replace(rb"\\", b"").replace(rb"\"", b"")
    skeleton = unescaped.translate(_STEPS, _NEITHER_QUOTE_NOR_BRACKET)
    depth, first_outside = 0, 0
    for start in range(0, len(skeleton), _CHUNK_BYTES):
        pieces = skeleton[start : start + _CHUNK_BYTES].split(b'"')
        steps = memoryview(b"".join(pieces[first_outside::2])).cast("b")
        depths = list(accumulate(steps, initial=depth))
        if max(depths) > MAXIMUM_DEPTH:
            raise ValueError("nested too deeply")
        depth = depths[-1]
        first_outside = (first_outside + len(pieces) - 1) % 2


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
