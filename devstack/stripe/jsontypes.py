"""The one type alias for Stripe's JSON objects inside the stand-in."""

from typing import Any

Json = dict[str, Any]


def section(value: Any) -> Json:
    """An object that may be null, as an object."""
    return value or {}
