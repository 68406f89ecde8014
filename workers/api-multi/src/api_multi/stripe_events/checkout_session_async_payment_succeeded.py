"""`checkout.session.async_payment_succeeded`: the bank debit of a cart succeeded."""

from __future__ import annotations

from api_multi.stripe_events import cart_checkout
from dream.runtime.context import Context
from dream.webhooks.processing import Event, Handled


async def async_payment_succeeded(context: Context, event: Event) -> Handled:
    """Settles the order of a cart. For subscriptions, `customer.subscription.*` tells what happened."""
    return await cart_checkout.session_changed(context, event)
