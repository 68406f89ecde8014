"""Jobs that go through everything once a night, slice by slice: where each stands is in D1, so any run goes on where one stopped."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from dream.db import nightly_runs
from dream.runtime.context import Context
from dream.runtime.schedule import Schedule

FIRST_HOUR = 3
"""In UTC. Before it, a new date's run does not begin."""
SLICES_PER_RUN = 20
"""At a call to Stripe each, well within a minute; some 25,000 accounts in the rest of a day."""


@dataclass(frozen=True, slots=True)
class Slice:
    """What one slice came to: the cursor behind it (None at the end), how much it checked, how much was wrong and put right."""

    cursor: str | None
    checked: int
    repaired: int


Work: TypeAlias = Callable[[Context, str], Awaitable[Slice]]
"""Does the slice that begins behind a cursor; the first cursor is empty."""


def job(name: str, work: Work) -> Schedule:
    """A job that is done once a date."""

    async def run(context: Context) -> None:
        now = context.now()
        if int(now[11:13]) >= FIRST_HOUR:
            await go_on(context, name, now[:10], work)

    return run


async def go_on(context: Context, name: str, run: str, work: Work) -> None:
    """A few more slices of this run, unless it is finished. The log says when it is."""
    state = await nightly_runs.begin(context.db, name, run)
    if state["finishedAt"] is not None:
        return
    cursor: str = state["cursor"]
    for _ in range(SLICES_PER_RUN):
        done = await work(context, cursor)
        ended = done.cursor is None
        behind = cursor if done.cursor is None else done.cursor
        finished_at = context.now() if ended else None
        await nightly_runs.advance(context.db, name, run, cursor, behind, done.checked, done.repaired, finished_at)
        if ended:
            total = await nightly_runs.begin(context.db, name, run)
            context.log.info("nightly job done", job=name, checked=total["checked"], repaired=total["repaired"])
            return
        cursor = behind
