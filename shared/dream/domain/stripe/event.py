"""Events, as webhooks deliver them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from dream.domain.timestamps import iso


@dataclass(frozen=True, slots=True)
class StripeEvent:
    """An event. `account` is the connected account, or None for an event of our own account; `object` is `data.object`."""

    id: str
    type: str
    account: str | None
    livemode: bool
    created: str
    object: Mapping[str, Any]

    @classmethod
    def from_json(cls, event: Mapping[str, Any]) -> StripeEvent:
        """Raises KeyError, TypeError, ValueError or OverflowError if the JSON is not an event."""
        found = event["data"]["object"]
        if not (
            isinstance(event["id"], str) and isinstance(event["type"], str) and isinstance(event["livemode"], bool)
        ):
            raise TypeError("id, type or livemode has the wrong type")
        if not isinstance(found, dict):
            raise TypeError("data.object is not an object")
        return cls(
            id=event["id"],
            type=event["type"],
            account=event.get("account"),
            livemode=event["livemode"],
            created=iso(event["created"]),
            object=cast("dict[str, Any]", found),
        )
