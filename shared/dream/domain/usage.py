"""Usage of one end user in one period: the count, the limit, and the result of counting a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from dream.domain.tiers import shown_limit
from dream.errors import BadRequest, InvalidFields

MAXIMUM_QUANTITY = 1_000_000

CountOutcome: TypeAlias = Literal["counted", "limit_reached", "rate_limited"]
"""What the statement that counts did: `usage_counts.outcome`."""

Outcome: TypeAlias = Literal[CountOutcome, "known_user", "new_user"]
"""What the statement that counts did; or, for the one that only reads, whether the project knows the user."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The count in a period, and its limit (None: unlimited). The period begins and ends at moments in ISO 8601 UTC."""

    user_id: str
    plan: str
    count: int
    limit: int | None
    period_start: str
    period_end: str

    @property
    def remaining(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self.count)

    def to_json(self) -> dict[str, Any]:
        return {
            "userId": self.user_id,
            "plan": self.plan,
            "count": self.count,
            "usageCount": self.count,
            "limit": shown_limit(self.limit),
            "remaining": shown_limit(self.remaining),
            "periodStart": self.period_start,
            "periodEnd": self.period_end,
        }


@dataclass(frozen=True, slots=True)
class UsageResult:
    """The result of counting a call, or of reading the usage.

    `upgrade` is the cheapest tier (its name and price) that allows more; it is set if the limit was reached. `is_proven` says whether
    the user's membership in the project is proven.
    """

    outcome: Outcome
    usage: Usage
    upgrade: tuple[str, int] | None
    is_proven: bool


def quantity_of(body: Mapping[str, Any]) -> int:
    """How many units a call counts: `quantity`, 1 if it is absent. Raises InvalidFields."""
    quantity = body.get("quantity", 1)
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 1 <= quantity <= MAXIMUM_QUANTITY:
        raise InvalidFields({"quantity": f"a whole number from 1 to {MAXIMUM_QUANTITY}"})
    return quantity


def user_id_of(header: str) -> str:
    """The user id in the header `X-User-Id`. Raises BadRequest."""
    if not 0 < len(header) <= 128 or not header.isascii() or not header.isprintable() or " " in header:
        raise BadRequest(
            "X-User-Id must have 1 to 128 printable ASCII characters and no spaces.",
            code="invalid_user_id",
            fields={"X-User-Id": "1 to 128 printable ASCII characters, no spaces"},
        )
    return header
