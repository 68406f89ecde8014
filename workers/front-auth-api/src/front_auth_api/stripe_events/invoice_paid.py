"""`invoice.paid`: a developer paid a month."""

from __future__ import annotations

from dream.runtime.context import Context
from dream.webhooks.processing import Event, Handled
from front_auth_api.stripe_events.subscription_invoice import record_invoice


async def paid(context: Context, event: Event) -> Handled:
    return await record_invoice(context, event, "payment.succeeded")
