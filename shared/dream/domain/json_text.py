"""JSON from outside. Nesting is bounded before the parser sees it: the parser recurses on the small stack of the Python
runtime, and a few kilobytes of opening brackets would end the whole isolate.
"""

from __future__ import annotations

import json
import re

MAXIMUM_DEPTH = 64

# A string, whose brackets do not count, or one bracket.
_TOKENS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]|[\]}]', re.DOTALL)


def parse_json(text: bytes) -> object:
    """The value of a JSON text. Raises ValueError for what is not JSON, and for nesting over 64 levels."""
    if text.count(b"[") + text.count(b"{") > MAXIMUM_DEPTH:
        _bound_depth(text)
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


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
