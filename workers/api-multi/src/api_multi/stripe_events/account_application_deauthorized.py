"""`account.application.deauthorized`: the developer disconnected dream-api at Stripe."""

from __future__ import annotations

from dream.clients.stripe.account import connected_account
from dream.clients.stripe.http import StripeRefused
from dream.db import audit_log, connected_accounts, stripe_tokens
from dream.runtime.context import Context
from dream.webhooks.matching import mode_of
from dream.webhooks.processing import Event, Handled, ignored


async def deauthorized(context: Context, event: Event) -> Handled:
    """Records that the account is disconnected, unless it was connected again since."""
    if event.account is None:
        return ignored("not of a connected account")
    mode = mode_of(event)
    holder = await connected_accounts.find_holder(context.db, event.account, mode)
    if holder is None or not holder.is_connected:
        return ignored("not connected")
    try:
        await connected_account(context, mode, event.account).retrieve_account()
    except StripeRefused as refusal:
        if not refusal.is_disconnected:
            raise
    else:
        return ignored("connected again since")
    now = context.now()
    details = {"account": event.account, "mode": mode}
    return Handled(
        [
            stripe_tokens.revoke(holder.platform_id, mode, event.account, now),
            audit_log.record(holder.platform_id, None, "stripe", "stripe.disconnected", details, now),
        ]
    )
