"""`customer.deleted`: clears the customer id, so that the next checkout creates a customer. Stripe cancels its subscriptions."""

from __future__ import annotations

from dream.db import platforms
from dream.runtime.context import Context
from dream.webhooks.processing import Event, Handled


async def deleted(context: Context, event: Event) -> Handled:
    return Handled([platforms.clear_customer(event.object["id"], context.now())])
