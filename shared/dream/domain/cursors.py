"""Cursors of pages. Callers treat a cursor as opaque; it holds the place where the last page ended."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TypeAlias, cast

from dream.domain.json_text import parse_json
from dream.errors import InvalidFields

MAXIMUM_LIMIT = 100
DEFAULT_LIMIT = 20
MAXIMUM_CURSOR_LENGTH = 4096


Place: TypeAlias = "tuple[str, str]"
"""Where a page ended: what the page is ordered by, then an id."""


def cursor_after(*place: str) -> str:
    """The cursor of the page behind this place."""
    return base64.urlsafe_b64encode(json.dumps(place, ensure_ascii=False).encode()).decode().rstrip("=")


def place_of(query: Mapping[str, str]) -> Place | None:
    """Where the page of the query's `cursor` begins. None for the first page. Raises InvalidFields."""
    cursor = query.get("cursor")
    if not cursor:
        return None
    try:
        place = (
            None
            if len(cursor) > MAXIMUM_CURSOR_LENGTH
            else parse_json(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        )
    except ValueError:
        place = None
    found = cast("list[object]", place) if isinstance(place, list) else []
    texts = tuple(part for part in found if isinstance(part, str))
    if len(texts) != 2 or len(found) != 2:
        raise InvalidFields({"cursor": "the nextCursor of an earlier answer"})
    return texts[0], texts[1]


def limit_of(query: Mapping[str, str], default: int = DEFAULT_LIMIT) -> int:
    """How many rows a page has: the query's `limit`, 1 to 100. Raises InvalidFields."""
    limit = query.get("limit")
    if limit is None:
        return default
    if not limit.isascii() or not limit.isdigit() or len(limit) > 3 or not 1 <= int(limit) <= MAXIMUM_LIMIT:
        raise InvalidFields({"limit": f"a whole number from 1 to {MAXIMUM_LIMIT}"})
    return int(limit)
