"""Effects on Clerk, Stripe and R2 that are still owed, whichever worker owed them."""

from __future__ import annotations

from dream.runtime.context import Context
from dream.services.outbox import effects, runner

BATCHES_PER_RUN = 10


async def deliver(context: Context) -> None:
    """Carry out what is due; what fails is due again later."""
    for _ in range(BATCHES_PER_RUN):
        if not await runner.deliver(context, effects.ALL):
            return
