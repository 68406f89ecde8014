"""`invoice.payment_failed`: the subscription is past due, unpaid or ended."""

from __future__ import annotations

from api_multi.stripe_events.subscription_invoice import match_invoice
from dream.runtime.context import Context
from dream.services.subscriptions import subscription_sync
from dream.webhooks.processing import Event, Handled, handled


async def payment_failed(context: Context, event: Event) -> Handled:
    """Stores the subscription as it is now."""
    matched = await match_invoice(context, event)
    if isinstance(matched, Handled):
        return matched
    return handled(await subscription_sync.sync(context, matched.account, matched.owner, matched.subscription_id))
