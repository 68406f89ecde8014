"""`customer.deleted`: the customer is gone for good; the next checkout makes a new one. Stripe ends its subscriptions itself."""

from __future__ import annotations

from dream.db import platforms
from dream.runtime.context import Context
from dream.webhooks.processing import Event, Handled


async def deleted(context: Context, event: Event) -> Handled:
    return Handled([platforms.forget_customer(event.object["id"], context.now())])
