"""The tiers of a project, cached in the isolate for a few seconds. Whoever changes tiers calls `forget`."""

from __future__ import annotations

from collections.abc import Sequence

from dream.db import tiers as tier_rows
from dream.domain.tiers import Tier
from dream.runtime.context import Context
from dream.runtime.isolate_cache import IsolateCache

TTL_SECONDS = 5.0

_cache: IsolateCache[tuple[Tier, ...]] = IsolateCache(size=1_000, ttl_seconds=TTL_SECONDS)


async def tiers_of(context: Context, publishable_key: str, *, fresh: bool = False) -> Sequence[Tier]:
    """The tiers that are not archived, in the developer's order. `fresh` reads them from D1."""
    tiers = None if fresh else _cache.get(publishable_key)
    if tiers is None:
        rows = await tier_rows.list_of_project(context.db, publishable_key)
        tiers = tuple(Tier.from_row(row) for row in rows)
        _cache.put(publishable_key, tiers)
    return tiers


def forget(publishable_key: str) -> None:
    """Drops the project's tiers from this isolate's cache."""
    _cache.drop(publishable_key)
