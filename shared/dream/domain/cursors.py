"""Cursors of pages: opaque to callers, and to us the place where the last page ended."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import cast

from dream.domain.json_text import parse_json
from dream.errors import InvalidFields

MAXIMUM_LIMIT = 100
DEFAULT_LIMIT = 20
MAXIMUM_CURSOR_LENGTH = 4096


def cursor_after(*place: str) -> str:
    """The cursor of a page that begins behind this place."""
    return base64.urlsafe_b64encode(json.dumps(place, ensure_ascii=False).encode()).decode().rstrip("=")


def place_of(query: Mapping[str, str], parts: int) -> tuple[str, ...] | None:
    """Where the page of `cursor` begins, in so many parts; None for the first page. Raises InvalidFields."""
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
    if len(texts) != parts or len(found) != parts:
        raise InvalidFields({"cursor": "a nextCursor of an earlier answer"})
    return texts


def limit_of(query: Mapping[str, str], default: int = DEFAULT_LIMIT) -> int:
    """How many rows a page may have: `limit`, 1 to 100. Raises InvalidFields."""
    asked = query.get("limit")
    if asked is None:
        return default
    if not asked.isascii() or not asked.isdigit() or len(asked) > 3 or not 1 <= int(asked) <= MAXIMUM_LIMIT:
        raise InvalidFields({"limit": f"a whole number from 1 to {MAXIMUM_LIMIT}"})
    return int(asked)
