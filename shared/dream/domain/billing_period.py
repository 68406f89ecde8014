"""The period that usage is counted in, if no subscription has one: the calendar month in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache


def calendar_month(now: str) -> tuple[str, str]:
    """The first moment of the month of `now`, and the first moment of the next month. All are ISO 8601 UTC."""
    return _month(now[:7])


@lru_cache(maxsize=64)
def _month(year_and_month: str) -> tuple[str, str]:
    start = datetime.strptime(year_and_month, "%Y-%m").replace(tzinfo=UTC)
    end = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    return f"{start:%Y-%m-%d}T00:00:00.000Z", f"{end:%Y-%m-%d}T00:00:00.000Z"
