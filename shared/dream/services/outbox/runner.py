"""Delivers the effects of the outbox: right after the batch that enqueued them, and again by the schedule until they take place.

Effects set a state and are safe to repeat. A worker delivers the kinds of effects that it is given; rows of other kinds wait.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from dream.db import outbox
from dream.db.outbox import DueEffect
from dream.domain.timestamps import iso
from dream.errors import ApiError
from dream.runtime.context import Context, DeliverEffects

Effect: TypeAlias = Callable[[Context, Mapping[str, Any]], Awaitable[None]]

BATCH_SIZE = 20
LEASE_SECONDS = 60
FIRST_DELAY_SECONDS = 30
LONGEST_DELAY_SECONDS = 3600


async def deliver(context: Context, effects: Mapping[str, Effect]) -> int:
    """Delivers the effects that are due. Returns how many took place. One that fails is postponed, longer each time, and stays."""
    now = context.now_seconds()
    due = await outbox.take_due(context.db, effects.keys(), iso(now), iso(now + LEASE_SECONDS), BATCH_SIZE)
    done = 0
    for each in due:
        done += await _deliver_one(context, each, effects[each.kind])
    return done


def delivery_of(effects: Mapping[str, Effect]) -> DeliverEffects:
    """`deliver` for a request's context: it logs an ApiError and does not raise it. The schedule delivers what is left."""

    async def deliver_quietly(context: Context) -> None:
        try:
            await deliver(context, effects)
        except ApiError as error:
            context.log.warning("outbox not delivered; the schedule tries again", reason=error.reason or error.code)

    return deliver_quietly


async def _deliver_one(context: Context, due: DueEffect, effect: Effect) -> bool:
    try:
        await effect(context, due.payload)
    except ApiError as error:
        reason = error.reason or error.code
        context.log.warning("effect postponed", kind=due.kind, attempts=due.attempts, reason=reason)
        delay = min(FIRST_DELAY_SECONDS * 2 ** (due.attempts - 1), LONGEST_DELAY_SECONDS)
        await outbox.postpone(context.db, due, iso(context.now_seconds() + delay), reason[:500])
        return False
    await outbox.delete_done(context.db, due)
    return True
