"""Delivers the effects on Clerk, Stripe and R2 that wait in the outbox, whichever worker enqueued them."""

from __future__ import annotations

from dream.runtime.context import Context
from dream.services.outbox import effects, runner

BATCHES_PER_RUN = 10


async def deliver(context: Context) -> None:
    """Delivers the effects that are due. An effect that fails is tried again later."""
    for _ in range(BATCHES_PER_RUN):
        if not await runner.deliver(context, effects.ALL):
            return
