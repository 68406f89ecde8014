"""`checkout.session.expired`: nobody paid in time; the stock of a cart goes back."""

from __future__ import annotations

from api_multi.stripe_events import cart_checkout
from dream.runtime.context import Context
from dream.webhooks.processing import Event, Handled


async def expired(context: Context, event: Event) -> Handled:
    """Settle the cart's order. A subscription's checkout has events of its own."""
    return await cart_checkout.session_changed(context, event)
