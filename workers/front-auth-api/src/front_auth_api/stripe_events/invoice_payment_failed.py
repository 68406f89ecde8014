"""`invoice.payment_failed`, `invoice.payment_action_required`: a month is not paid yet; the grace time may begin."""

from __future__ import annotations

from dream.runtime.context import Context
from dream.webhooks.processing import Event, Handled
from front_auth_api.stripe_events.subscription_invoice import recorded


async def failed(context: Context, event: Event) -> Handled:
    return await recorded(context, event, "payment.failed")
