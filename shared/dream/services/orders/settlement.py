"""Brings one order to what Stripe says of its payment now. Events, refunds, disputes and the sweeper all end here."""

from __future__ import annotations

from collections.abc import Sequence

from dream.clients.stripe.account import StripeAccount
from dream.clients.stripe.http import StripeRefused
from dream.db import orders
from dream.domain.orders import Order, Settlement, settlement_of
from dream.runtime.bindings import Bound
from dream.runtime.context import Context


async def settle(context: Context, account: StripeAccount, order: Order, session_id: str) -> Sequence[Bound]:
    """Statements for one batch, decided by the session as it is now. Raises what Stripe's client raises."""
    now = context.now()
    settlement = await settlement_now(context, account, session_id)
    if order.status in ("expired", "failed") and settlement.amount_paid is not None:
        context.log.error("paid after its stock was given back", orderId=order.id, sessionId=session_id)
    return orders.settle(order, settlement, session_id, now)


async def settlement_now(context: Context, account: StripeAccount, session_id: str) -> Settlement:
    """What the session comes to; one that Stripe no longer knows was never paid."""
    try:
        payment = await account.retrieve_cart_payment(session_id)
    except StripeRefused as error:
        if not error.is_missing:
            raise
        return Settlement("expired")
    return settlement_of(payment, context.now())
