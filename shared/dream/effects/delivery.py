"""All effects that there are, and the immediate try that follows the batch which owed them. The schedule does the rest."""

from __future__ import annotations

from collections.abc import Mapping

from dream import outbox
from dream.context import Context
from dream.effects import clerk, images, stripe
from dream.outbox import Effect

ALL: Mapping[str, Effect] = {**stripe.EFFECTS, **clerk.EFFECTS, **images.EFFECTS}


def soon(context: Context) -> None:
    """Carry out what is due after the answer has gone."""
    context.wait_until(outbox.deliver_quietly(context, ALL))
