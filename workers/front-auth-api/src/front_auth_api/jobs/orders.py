"""Reconciles orders that no event has settled.

An expired order with a checkout session is settled with its payment, read from Stripe. An order that never got a
session fails and releases its stock.
"""

from __future__ import annotations

from dream.clients.stripe.account import StripeAccount, connected_account
from dream.clients.stripe.http import StripeRefused
from dream.db import orders
from dream.db.orders import OverdueOrder
from dream.domain.orders import Order
from dream.domain.timestamps import iso
from dream.errors import ApiError
from dream.runtime.context import Context
from dream.services.orders.settlement import settle, settlement_now

LATE_SECONDS = 3600
"""How long after its expiry an order waits for its event."""
WITHOUT_SESSION_SECONDS = 10 * 60
"""How long an order may be without a checkout session. After that its request has died, and nobody got a URL to pay at."""
CHECK_AGAIN_SECONDS = 3600
FAILED_CHECK_AGAIN_SECONDS = 600
DISCONNECTED_CHECK_AGAIN_SECONDS = 24 * 3600
BATCH_SIZE = 20


async def reconcile(context: Context) -> int:
    """Reconciles up to BATCH_SIZE orders without a session and BATCH_SIZE overdue ones. Returns how many it checked."""
    now = context.now_seconds()
    without_session = await orders.list_without_session(context.db, iso(now - WITHOUT_SESSION_SECONDS), BATCH_SIZE)
    for order in without_session:
        await context.db.batch(orders.abandon(order.publishable_key, order.order_id, iso(now)))
    overdue = await orders.list_overdue(context.db, iso(now - LATE_SECONDS), BATCH_SIZE)
    for each in overdue:
        await _reconcile_order(context, each)
    return len(without_session) + len(overdue)


async def _reconcile_order(context: Context, overdue: OverdueOrder) -> None:
    order = overdue.order
    if overdue.account is None:
        await _check_again(context, order, DISCONNECTED_CHECK_AGAIN_SECONDS)
        return
    try:
        account = connected_account(context, overdue.account.mode, overdue.account.account_id)
        await _expire_if_open(context, account, order)
        await context.db.batch(
            [
                orders.check_again_at(order, iso(context.now_seconds() + CHECK_AGAIN_SECONDS)),
                *await settle(context, account, order, order.session_id or ""),
            ]
        )
    except ApiError as error:
        context.log.warning("order not settled, tried again later", orderId=order.id, reason=error.reason or error.code)
        await _check_again(context, order, FAILED_CHECK_AGAIN_SECONDS)


async def _expire_if_open(context: Context, account: StripeAccount, order: Order) -> None:
    """Expires a session that Stripe still shows as open, so that nobody pays it after the stock is released."""
    if order.session_id is None or (await settlement_now(context, account, order.session_id)).status != "open":
        return
    try:
        await account.expire_checkout(order.session_id)
    except StripeRefused as error:
        context.log.warning("session not expired", orderId=order.id, reason=error.reason)


async def _check_again(context: Context, order: Order, in_seconds: int) -> None:
    await context.db.batch([orders.check_again_at(order, iso(context.now_seconds() + in_seconds))])
