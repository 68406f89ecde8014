"""`invoice.paid`: the amount becomes revenue, and the subscription may be active again."""

from __future__ import annotations

from api_multi.stripe_events.subscription_invoice import MatchedInvoice, match_invoice
from dream.clients.stripe.account import connected_account
from dream.db import payments
from dream.db.payments import Payment
from dream.runtime.bindings import Bound
from dream.runtime.context import Context
from dream.services.subscriptions import subscription_sync
from dream.webhooks.processing import Event, Handled, handled


async def paid(context: Context, event: Event) -> Handled:
    """Stores the payment, and the subscription as it is now."""
    matched = await match_invoice(context, event)
    if isinstance(matched, Handled):
        return matched
    synced = await subscription_sync.sync(context, matched.account, matched.owner, matched.subscription_id)
    payment = await _payment_statements(context, event, matched) if synced.outcome == "stored" else []
    return handled(synced, payment)


async def _payment_statements(context: Context, event: Event, matched: MatchedInvoice) -> list[Bound]:
    """The statement that stores the payment as Stripe has it now. None for an invoice of 0, such as a trial's. Refunds have their own
    event.
    """
    stripe = connected_account(context, matched.account.mode, matched.account.account_id)
    invoice = await stripe.retrieve_invoice(matched.invoice_id)
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
        user_id=matched.owner.user_id,
        payment_intent_id=intents[0] if intents else None,
        currency=invoice.currency,
        amount_paid=invoice.amount_paid,
        amount_refunded=0,
        paid_at=invoice.paid_at or event.created_at,
    )
    return [payments.upsert(matched.owner.publishable_key, payment)]
