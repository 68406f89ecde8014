"""Carrying out what is owed: effects on Clerk and Stripe, tried at once after their batch and again by the schedule until done.

Effects are plain sets, safe to repeat. A worker passes the effects that it knows; rows of other kinds wait for theirs.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from dream.db import outbox as rows
from dream.domain.timestamps import iso
from dream.errors import ApiError
from dream.runtime.bindings import Row
from dream.runtime.context import Context, DeliverEffects

Effect: TypeAlias = Callable[[Context, Mapping[str, Any]], Awaitable[None]]

BATCH_SIZE = 20
LEASE_SECONDS = 60
FIRST_DELAY_SECONDS = 30
LONGEST_DELAY_SECONDS = 3600


async def deliver(context: Context, effects: Mapping[str, Effect]) -> int:
    """Carry out what is due; how many effects took place. A failing effect is postponed with growing delay, never dropped."""
    now = context.now_seconds()
    due = await rows.take_due(context.db, effects.keys(), iso(now), iso(now + LEASE_SECONDS), BATCH_SIZE)
    settled = 0
    for row in due:
        settled += await _carry_out(context, row, effects[row["kind"]])
    return settled


def delivery_of(effects: Mapping[str, Effect]) -> DeliverEffects:
    """`deliver` for a context: where nobody waits for its outcome, and the schedule does what is left."""

    async def deliver_quietly(context: Context) -> None:
        try:
            await deliver(context, effects)
        except ApiError as error:
            context.log.warning("outbox waits for the schedule", reason=error.reason or error.code)

    return deliver_quietly


async def _carry_out(context: Context, row: Row, effect: Effect) -> bool:
    try:
        await effect(context, json.loads(row["payload"]))
    except ApiError as error:
        context.log.warning(
            "effect postponed", kind=row["kind"], attempts=row["attempts"], reason=error.reason or error.code
        )
        await _postpone(context, row, error.reason or error.code)
        return False
    await rows.settle(context.db, row["outboxId"], row["version"])
    return True


async def _postpone(context: Context, row: Row, error: str) -> None:
    delay = min(FIRST_DELAY_SECONDS * 2 ** (row["attempts"] - 1), LONGEST_DELAY_SECONDS)
    await rows.postpone(context.db, row["outboxId"], row["version"], iso(context.now_seconds() + delay), error[:500])
