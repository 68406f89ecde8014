"""What the schedule does for orders that no event settled: asks Stripe, settles them, and puts stock back that nobody can buy."""

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
"""An order this long past its expiry has missed its event."""
WITHOUT_SESSION_SECONDS = 10 * 60
"""A request that made no session in this time is dead; nobody was given a URL to pay at."""
LOOK_AGAIN_SECONDS = 3600
FAILED_LOOK_AGAIN_SECONDS = 600
DISCONNECTED_LOOK_AGAIN_SECONDS = 24 * 3600
BATCH_SIZE = 20


async def reconcile(context: Context) -> int:
    """Reconciles a bounded number of orders with Stripe. Returns how many it looked at."""
    now = context.now_seconds()
    without_session = await orders.list_without_session(context.db, iso(now - WITHOUT_SESSION_SECONDS), BATCH_SIZE)
    for order in without_session:
        await context.db.batch(orders.abandon(order.publishable_key, order.order_id, iso(now)))
    overdue = await orders.list_overdue(context.db, iso(now - LATE_SECONDS), BATCH_SIZE)
    for each in overdue:
        await _look_at(context, each)
    return len(without_session) + len(overdue)


async def _look_at(context: Context, overdue: OverdueOrder) -> None:
    order = overdue.order
    if overdue.account is None:
        await _look_again(context, order, DISCONNECTED_LOOK_AGAIN_SECONDS)
        return
    try:
        account = connected_account(context, overdue.account.mode, overdue.account.account_id)
        await _close_if_open(context, account, order)
        await context.db.batch(
            [
                orders.check_again_at(order, iso(context.now_seconds() + LOOK_AGAIN_SECONDS)),
                *await settle(context, account, order, order.session_id or ""),
            ]
        )
    except ApiError as error:
        context.log.warning("order not settled", orderId=order.id, reason=error.reason or error.code)
        await _look_again(context, order, FAILED_LOOK_AGAIN_SECONDS)


async def _close_if_open(context: Context, account: StripeAccount, order: Order) -> None:
    """Past its expiry a session can't be paid any more; one that Stripe still shows as open is closed first."""
    if order.session_id is None or (await settlement_now(context, account, order.session_id)).status != "open":
        return
    try:
        await account.expire_checkout(order.session_id)
    except StripeRefused as error:
        context.log.warning("session not expired", orderId=order.id, reason=error.reason)


async def _look_again(context: Context, order: Order, in_seconds: int) -> None:
    await context.db.batch([orders.check_again_at(order, iso(context.now_seconds() + in_seconds))])
