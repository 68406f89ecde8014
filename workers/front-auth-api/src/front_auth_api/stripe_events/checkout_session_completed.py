"""`checkout.session.completed` and `checkout.session.async_payment_*`: stores the subscription that the checkout created."""

from __future__ import annotations

from dream.runtime.context import Context
from dream.webhooks.processing import Event, Handled, handled, ignored
from front_auth_api.services import platform_sync


async def completed(context: Context, event: Event) -> Handled:
    """Stores the subscription as it is now, paid or not."""
    subscription_id = event.object.get("subscription")
    if event.object.get("mode") != "subscription" or not isinstance(subscription_id, str):
        return ignored("not the checkout of a subscription")
    return handled(await platform_sync.sync(context, subscription_id))
