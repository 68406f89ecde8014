"""`invoice.payment_failed`: the subscription is past due, unpaid or ended, as Stripe says now."""

from __future__ import annotations

from api_multi.stripe_events.subscription_invoice import bind_invoice
from dream.runtime.context import Context
from dream.services.subscriptions import subscription_sync
from dream.webhooks.processing import Event, Handled


async def payment_failed(context: Context, event: Event) -> Handled:
    """Store the subscription as it is now."""
    bound = await bind_invoice(context, event)
    if isinstance(bound, Handled):
        return bound
    return await subscription_sync.sync(context, bound.account, bound.owner, bound.subscription_id)
