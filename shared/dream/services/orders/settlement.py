"""Settles one order by its payment at Stripe. Events, refunds, disputes and the schedule all use this."""

from __future__ import annotations

from collections.abc import Sequence

from dream.clients.stripe.account import StripeAccount
from dream.clients.stripe.http import StripeRefused
from dream.db import orders
from dream.domain.orders import Order, Settlement, settlement_of
from dream.runtime.bindings import Bound
from dream.runtime.context import Context


async def settle(context: Context, account: StripeAccount, order: Order, session_id: str) -> Sequence[Bound]:
    """The statements of one batch that set the order to what its checkout session says now. Raises what Stripe's client raises."""
    settlement = await settlement_now(context, account, session_id)
    if order.status in ("expired", "failed") and settlement.amount_paid is not None:
        context.log.error("order paid after its stock was released", orderId=order.id, sessionId=session_id)
    return orders.settle(order, settlement, session_id, context.now())


async def settlement_now(context: Context, account: StripeAccount, session_id: str) -> Settlement:
    """The settlement by the session as it is now. A session that Stripe does not have was never paid."""
    try:
        payment = await account.retrieve_cart_payment(session_id)
    except StripeRefused as error:
        if not error.is_missing:
            raise
        return Settlement("expired")
    return settlement_of(payment, context.now())
