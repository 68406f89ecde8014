"""JSON from outside. Nesting is bounded before the parser sees it: the parser recurses on the small stack of the Python
runtime, and a few kilobytes of opening brackets would end the whole isolate. The encoding is never guessed, for brackets are
counted in UTF-8.
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
    """The value of a JSON text in UTF-8 (RFC 8259, 8.1). Raises ValueError for what is not JSON, for nesting over 64 levels, and for
    half a surrogate pair, which no database or vendor takes.
    """
    characters = text.decode("utf-8-sig")
    if text.count(b"[") + text.count(b"{") > MAXIMUM_DEPTH:
        _bound_depth(text)
    try:
        value: object = json.loads(characters, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if _SURROGATE.search(text):
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _bound_depth(text: bytes) -> None:
    """Raises ValueError for nesting over 64 levels. Takes time in proportion to the text, whatever the text is.

    Without escaped backslashes and escaped quotes, every quote opens or closes a string. So the pieces between quotes are outside
    and inside strings by turns. Chunks bound the memory that the pieces take.
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
