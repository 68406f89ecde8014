"""`customer.subscription.created`, `.updated`, `.deleted`: D1 stores what Stripe says now, whichever of them came."""

from __future__ import annotations

from dream.runtime.context import Context
from dream.services.subscriptions import subscription_sync
from dream.webhooks.matching import match_owner
from dream.webhooks.processing import Event, Handled, handled


async def changed(context: Context, event: Event) -> Handled:
    """Stores the subscription as it is now."""
    matched = await match_owner(context, event, event.object["metadata"])
    if isinstance(matched, Handled):
        return matched
    account, owner = matched
    return handled(await subscription_sync.sync(context, account, owner, event.object["id"]))
