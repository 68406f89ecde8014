"""Usage of one end user in one period: what an answer says about it, allowed or refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from dream.domain.tiers import shown_limit
from dream.errors import BadRequest, InvalidFields

MAXIMUM_QUANTITY = 1_000_000

CountOutcome: TypeAlias = Literal["counted", "limit_reached", "rate_limited"]
"""What a counting statement did: `usage_counts.outcome`."""
Outcome: TypeAlias = Literal[CountOutcome, "known_user", "new_user"]
"""What a counting statement did, or whom a reading one found."""


@dataclass(frozen=True, slots=True)
class Usage:
    """A count and its limit (None: unlimited). The period's moments are ISO 8601 UTC."""

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
class CountedCall:
    """What became of one call or reading, and the tier that would allow more (its name and price) where it was refused."""

    outcome: Outcome
    usage: Usage
    upgrade: tuple[str, int] | None
    is_proven: bool
    """Whether the user's membership in the project is proven."""

    @classmethod
    def from_answer(cls, user_id: str, answer: list[Any]) -> CountedCall:
        """Of the JSON array that the counting statement returns."""
        plan, count, limit, period_start, period_end, outcome, upgrade, is_proven = answer
        return cls(
            cast("Outcome", outcome),
            Usage(user_id, plan, count, limit, period_start, period_end),
            (upgrade[0], upgrade[1]) if upgrade is not None else None,
            bool(is_proven),
        )


def quantity_of(body: Mapping[str, Any]) -> int:
    """How many units a call counts: `quantity`, 1 when absent. Raises InvalidFields."""
    quantity = body.get("quantity", 1)
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 1 <= quantity <= MAXIMUM_QUANTITY:
        raise InvalidFields({"quantity": f"a whole number from 1 to {MAXIMUM_QUANTITY}"})
    return quantity


def user_id_of(header: str) -> str:
    """A user id as a header may carry it. Raises BadRequest."""
    if not 0 < len(header) <= 128 or not header.isascii() or not header.isprintable() or " " in header:
        raise BadRequest(
            "X-User-Id must have 1 to 128 printable ASCII characters and no spaces.",
            code="invalid_user_id",
            fields={"X-User-Id": "1 to 128 printable ASCII characters, no spaces"},
        )
    return header
