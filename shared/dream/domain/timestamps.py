"""Moments as text: ISO 8601 UTC with milliseconds, so that they compare as text."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(seconds: float) -> str:
    """Seconds since the epoch as `2026-11-24T12:00:00.000Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def seconds_of(moment: str) -> float:
    """The inverse of `iso`. Raises ValueError for anything else."""
    return datetime.fromisoformat(moment).timestamp()
