"""Jobs that check everything once a night, in slices.

A run is named by its date. The cron trigger continues it every minute. D1 has the cursor, so each minute starts where
the last one ended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from dream.db import nightly_runs
from dream.runtime.context import Context
from dream.runtime.schedule import Schedule

FIRST_HOUR = 3
"""The hour (UTC) at which the run of a new date begins."""
SLICES_PER_RUN = 20
"""Slices per minute, not per run of a date.

A slice takes about one call to Stripe, so they fit into a minute. A day has time for 25,000 accounts.
"""


@dataclass(frozen=True, slots=True)
class Slice:
    """The result of one slice: the cursor after it (None at the end), how many things it checked, and how many it repaired."""

    cursor: str | None
    checked: int
    repaired: int


Work: TypeAlias = Callable[[Context, str], Awaitable[Slice]]
"""Does the slice that follows a cursor. The first cursor is empty."""


def job(name: str, work: Work) -> Schedule:
    """A job that runs once a day."""

    async def run(context: Context) -> None:
        now = context.now()
        if int(now[11:13]) >= FIRST_HOUR:
            await continue_run(context, name, now[:10], work)

    return run


async def continue_run(context: Context, name: str, run: str, work: Work) -> None:
    """Does the next slices of this run, unless it is finished. Logs the totals when it finishes."""
    progress = await nightly_runs.begin_or_resume(context.db, name, run)
    if progress.is_finished:
        return
    cursor = progress.cursor
    for _ in range(SLICES_PER_RUN):
        done = await work(context, cursor)
        is_last = done.cursor is None
        next_cursor = cursor if done.cursor is None else done.cursor
        finished_at = context.now() if is_last else None
        await nightly_runs.advance(context.db, name, run, cursor, next_cursor, done.checked, done.repaired, finished_at)
        if is_last:
            total = await nightly_runs.begin_or_resume(context.db, name, run)
            context.log.info("nightly job finished", job=name, checked=total.checked, repaired=total.repaired)
            return
        cursor = next_cursor
