"""Every kind of effect and the function that delivers it. A worker's entry names the effects that the worker delivers."""

from __future__ import annotations

from collections.abc import Mapping

from dream.services.outbox import clerk, images, stripe
from dream.services.outbox.runner import Effect

ALL: Mapping[str, Effect] = {**stripe.EFFECTS, **clerk.EFFECTS, **images.EFFECTS}
