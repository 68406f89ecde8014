"""A fake Rate Limiting binding: `limit` calls for each key in each minute of the stack's clock."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

PERIOD_SECONDS = 60


class CountingRateLimiter:
    """Counts in memory. `limit` may be changed while it runs."""

    def __init__(self, limit: int, now: Callable[[], float]) -> None:
        self.limit = limit
        self._now = now
        self._calls: Counter[tuple[int, str]] = Counter()

    async def allows(self, key: str) -> bool:
        await asyncio.sleep(0)
        window = int(self._now()) // PERIOD_SECONDS, key
        self._calls[window] += 1
        return self._calls[window] <= self.limit
