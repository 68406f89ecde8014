"""A paid checkout session that started a subscription."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dream.db import checkout_sessions
from dream.runtime.context import Context
from dream.services.subscriptions import subscription_sync
from dream.webhooks.connected_account import bind_owner
from dream.webhooks.processing import Event, Handled


async def completed(context: Context, event: Event) -> Handled:
    """Store the subscription that it started, and that the session is no longer open."""
    session = event.object
    bound = await bind_owner(context, event, session["metadata"])
    if isinstance(bound, Handled):
        return bound
    account, owner = bound
    details: Mapping[str, Any] = session["customer_details"] or {}
    synced = await subscription_sync.sync(context, account, owner, session["subscription"], email=details.get("email"))
    closed = checkout_sessions.close(owner.publishable_key, session["id"], context.now())
    return replace(synced, effects=[closed, *synced.effects])
