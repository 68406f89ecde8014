"""`customer.subscription.created`, `.updated`, `.deleted`: the row follows Stripe's subscription, whichever of them came."""

from __future__ import annotations

from dream.runtime.context import Context
from dream.services.subscriptions import subscription_sync
from dream.webhooks.connected_account import bind_owner
from dream.webhooks.processing import Event, Handled


async def changed(context: Context, event: Event) -> Handled:
    """Store the subscription as it is now."""
    bound = await bind_owner(context, event, event.object["metadata"])
    if isinstance(bound, Handled):
        return bound
    account, owner = bound
    return await subscription_sync.sync(context, account, owner, event.object["id"])
