"""All effects that there are, and the immediate try that follows the batch which owed them. The schedule does the rest."""

from __future__ import annotations

from collections.abc import Mapping

from dream.runtime.context import Context
from dream.services.outbox import clerk, images, runner, stripe
from dream.services.outbox.runner import Effect

ALL: Mapping[str, Effect] = {**stripe.EFFECTS, **clerk.EFFECTS, **images.EFFECTS}


def soon(context: Context) -> None:
    """Carry out what is due after the answer has gone."""
    context.wait_until(runner.deliver_quietly(context, ALL))
