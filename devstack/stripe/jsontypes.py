"""The type of a JSON object inside the stand-in."""

from typing import Any

Json = dict[str, Any]


def section(value: Any) -> Json:
    """The object, or an empty one if it is null."""
    return value or {}
