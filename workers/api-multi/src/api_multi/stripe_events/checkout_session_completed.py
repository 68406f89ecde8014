"""`checkout.session.completed`: a subscription's checkout or a cart's, by the session's mode."""

from __future__ import annotations

from api_multi.stripe_events import cart_checkout, subscription_checkout
from dream.runtime.context import Context
from dream.webhooks.processing import Event, Handled


async def completed(context: Context, event: Event) -> Handled:
    """Hand the session to what it paid for."""
    if event.object["mode"] == "subscription":
        return await subscription_checkout.completed(context, event)
    return await cart_checkout.session_changed(context, event)
