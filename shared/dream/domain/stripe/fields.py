"""How the fields that most Stripe objects share are read: expandable ids, optional moments, metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from dream.domain.timestamps import iso


class _Identified(Protocol):
    id: str


class _StripeMetadata(Protocol):
    def to_dict(self) -> dict[str, Any]: ...


def id_of(expandable: str | _Identified) -> str:
    """The id of an object, whether or not Stripe expanded it."""
    return expandable if isinstance(expandable, str) else expandable.id


def id_or_none(expandable: str | _Identified | None) -> str | None:
    """The id of an object that may be absent."""
    return None if expandable is None else id_of(expandable)


def iso_or_none(seconds: int | None) -> str | None:
    """Seconds since the epoch as ISO 8601 UTC, for a moment that may be absent."""
    return None if seconds is None else iso(seconds)


def metadata_of(metadata: _StripeMetadata | None) -> Mapping[str, str]:
    """The metadata of an object as a plain mapping; empty if the object has none."""
    return {} if metadata is None else metadata.to_dict()
