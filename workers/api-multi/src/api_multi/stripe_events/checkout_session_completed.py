"""`checkout.session.completed`: the checkout of a subscription or of a cart, by the mode of the session."""

from __future__ import annotations

from api_multi.stripe_events import cart_checkout, subscription_checkout
from dream.runtime.context import Context
from dream.webhooks.processing import Event, Handled


async def completed(context: Context, event: Event) -> Handled:
    """Stores the subscription, or settles the order, that the session paid for."""
    if event.object["mode"] == "subscription":
        return await subscription_checkout.completed(context, event)
    return await cart_checkout.session_changed(context, event)
