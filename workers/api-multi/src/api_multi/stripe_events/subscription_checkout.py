"""Completed checkout sessions of subscriptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dream.db import checkout_sessions
from dream.runtime.context import Context
from dream.services.subscriptions import subscription_sync
from dream.webhooks.matching import match_owner
from dream.webhooks.processing import Event, Handled, handled


async def completed(context: Context, event: Event) -> Handled:
    """Stores the subscription that the session started, and closes the session in D1."""
    session = event.object
    matched = await match_owner(context, event, session["metadata"])
    if isinstance(matched, Handled):
        return matched
    account, owner = matched
    details: Mapping[str, Any] = session["customer_details"] or {}
    synced = await subscription_sync.sync(context, account, owner, session["subscription"], email=details.get("email"))
    closed = checkout_sessions.close(owner.publishable_key, session["id"], context.now())
    return handled(synced, [closed])
