"""`invoice.paid`: another month is paid."""

from __future__ import annotations

from dream.runtime.context import Context
from dream.webhooks.processing import Event, Handled
from front_auth_api.stripe_events.subscription_invoice import recorded


async def paid(context: Context, event: Event) -> Handled:
    return await recorded(context, event, "payment.succeeded")
