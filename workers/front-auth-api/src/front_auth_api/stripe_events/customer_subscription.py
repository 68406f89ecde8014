"""`customer.subscription.*`: the platform's payment state follows Stripe's subscription, whichever of these events came."""

from __future__ import annotations

from dream.runtime.context import Context
from dream.webhooks.processing import Event, Handled, handled
from front_auth_api.services import platform_sync


async def changed(context: Context, event: Event) -> Handled:
    """Store the subscription as it is now."""
    return handled(await platform_sync.sync(context, event.object["id"]))
