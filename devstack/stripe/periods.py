"""Owns the arithmetic of billing periods, in UTC and seconds since 1970.

Boundaries are counted from an anchor. If a month has no such day, the boundary is its last day.
"""

import calendar
from datetime import UTC, datetime, timedelta

DAY = 86_400


def boundary(anchor: int, interval: str, count: int, steps: int) -> int:
    """The time `steps` intervals after the anchor: from 31 January, one month is 28 February, and two months are 31 March."""
    start = datetime.fromtimestamp(anchor, UTC)
    if interval in ("day", "week"):
        days = count * steps * (7 if interval == "week" else 1)
        return int((start + timedelta(days=days)).timestamp())
    months = count * steps * (12 if interval == "year" else 1)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def next_boundary(anchor: int, interval: str, count: int, after: int) -> int:
    """The first boundary later than `after`."""
    steps = 1
    while boundary(anchor, interval, count, steps) <= after:
        steps += 1
    return boundary(anchor, interval, count, steps)
