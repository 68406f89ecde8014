"""Moments as text: ISO 8601 UTC with milliseconds. Two such texts compare as their moments do."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(seconds: float) -> str:
    """Seconds since the epoch as `2026-11-24T12:00:00.000Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def seconds_of(moment: str) -> float:
    """The inverse of `iso`. Raises ValueError if the text is not a moment."""
    return datetime.fromisoformat(moment).timestamp()
