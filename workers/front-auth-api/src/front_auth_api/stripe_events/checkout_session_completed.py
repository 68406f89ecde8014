"""`checkout.session.completed` and what follows a slow payment: the subscription that the checkout began."""

from __future__ import annotations

from dream.runtime.context import Context
from dream.webhooks.processing import Event, Handled, handled, ignored
from front_auth_api.services import platform_sync


async def completed(context: Context, event: Event) -> Handled:
    """Store the subscription as it is now, paid or not yet."""
    subscription_id = event.object.get("subscription")
    if event.object.get("mode") != "subscription" or not isinstance(subscription_id, str):
        return ignored("not a subscription's checkout")
    return handled(await platform_sync.sync(context, subscription_id))
