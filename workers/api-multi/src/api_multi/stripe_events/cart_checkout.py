"""Settles the order of an event about a cart: a checkout session, a refund or a dispute.

It reads the session from Stripe. The order follows what Stripe says now, not what the event says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dream.clients.stripe.account import connected_account
from dream.clients.stripe.http import StripeRefused
from dream.db import orders
from dream.runtime.context import Context
from dream.services.orders.settlement import settle
from dream.webhooks.matching import match_project
from dream.webhooks.processing import Event, Handled, ignored, rejected


async def session_changed(context: Context, event: Event) -> Handled:
    """Settles the order of the event's session."""
    if event.object["mode"] != "payment":
        return ignored("not a session of a cart")
    return await settle_order(context, event, event.object["metadata"] or {}, event.object["id"])


async def settle_order(
    context: Context, event: Event, metadata: Mapping[str, Any], session_id: str | None = None
) -> Handled:
    """Settles the order that these metadata name, if the event's account may act for its project.

    `session_id` is the session of the event. It is None for an event about a charge. Then the
    order's own session is read.
    """
    publishable_key, order_id = metadata.get("publishableKey"), metadata.get("orderId")
    if not isinstance(publishable_key, str) or not isinstance(order_id, str):
        return ignored("not created by dream-api")
    account = await match_project(context, event, publishable_key)
    if isinstance(account, Handled):
        return account
    order = await orders.find(context.db, publishable_key, order_id)
    if order is None:
        return ignored("no such order", publishable_key)
    session_of_order = order.session_id or session_id
    if session_of_order is None or session_id not in (None, session_of_order):
        return rejected("not the order's session")
    try:
        stripe = connected_account(context, account.mode, account.account_id)
        statements = await settle(context, stripe, order, session_of_order)
    except StripeRefused as refusal:
        if not refusal.is_disconnected:
            raise
        return ignored("the account is disconnected", publishable_key)
    return Handled(statements, publishable_key=publishable_key)
