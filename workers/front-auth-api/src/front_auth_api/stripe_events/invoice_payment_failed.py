"""`invoice.payment_failed`, `invoice.payment_action_required`: a developer has not paid a month. The grace time may begin."""

from __future__ import annotations

from dream.runtime.context import Context
from dream.webhooks.processing import Event, Handled
from front_auth_api.stripe_events.subscription_invoice import record_invoice


async def failed(context: Context, event: Event) -> Handled:
    return await record_invoice(context, event, "payment.failed")
