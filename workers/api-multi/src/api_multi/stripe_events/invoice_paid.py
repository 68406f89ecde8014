"""`invoice.paid`: the money counts as revenue, and the subscription may be active again."""

from __future__ import annotations

from dataclasses import replace

from api_multi.stripe_events.subscription_invoice import BoundInvoice, bind_invoice
from dream.db import payments
from dream.db.payments import Payment
from dream.runtime.bindings import Bound
from dream.runtime.context import Context
from dream.services.subscriptions import subscription_sync
from dream.webhooks.processing import Event, Handled


async def paid(context: Context, event: Event) -> Handled:
    """Store what was paid, and the subscription as it is now."""
    bound = await bind_invoice(context, event)
    if isinstance(bound, Handled):
        return bound
    synced = await subscription_sync.sync(context, bound.account, bound.owner, bound.subscription_id)
    if synced.outcome != "handled":
        return synced
    return replace(synced, effects=[*await _payment(context, event, bound), *synced.effects])


async def _payment(context: Context, event: Event, bound: BoundInvoice) -> list[Bound]:
    """The payment as Stripe has it now; none for an invoice over nothing, such as a trial's. Refunds come by their own event."""
    stripe = bound.account.stripe(context)
    invoice = await stripe.retrieve_invoice(bound.invoice_id)
    if invoice.amount_paid == 0:
        return []
    intents = [
        payment.payment_intent_id
        for payment in await stripe.list_invoice_payments(invoice_id=invoice.id)
        if payment.status == "paid" and payment.payment_intent_id is not None
    ]
    payment = Payment(
        payment_id=invoice.id,
        kind="invoice",
        user_id=bound.owner.user_id,
        payment_intent_id=intents[0] if intents else None,
        currency=invoice.currency,
        amount_paid=invoice.amount_paid,
        amount_refunded=0,
        paid_at=invoice.paid_at or event.created_at,
    )
    return [payments.record(bound.owner.publishable_key, payment)]
