"""`customer.subscription.*`: stores the developer's subscription, whichever of these events arrives."""

from __future__ import annotations

from dream.runtime.context import Context
from dream.webhooks.processing import Event, Handled, handled
from front_auth_api.services import platform_sync


async def changed(context: Context, event: Event) -> Handled:
    """Stores the subscription as it is now."""
    return handled(await platform_sync.sync(context, event.object["id"]))
