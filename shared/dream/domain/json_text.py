"""JSON from outside. Nesting is bounded before the parser sees it: the parser recurses on the small stack of the Python
runtime, and a few kilobytes of opening brackets would end the whole isolate. The encoding is never guessed, for brackets are
counted in UTF-8.
"""

from __future__ import annotations

import json
import re

MAXIMUM_DEPTH = 64

# A string, whose brackets do not count, or one bracket.
_TOKENS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]|[\]}]', re.DOTALL)

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
    depth = 0
    for token in _TOKENS.finditer(text):
        first = text[token.start()]
        if first in b"[{":
            depth += 1
            if depth > MAXIMUM_DEPTH:
                raise ValueError("nested too deeply")
        elif first in b"]}":
            depth -= 1


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
