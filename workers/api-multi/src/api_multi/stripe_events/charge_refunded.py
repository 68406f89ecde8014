"""`charge.refunded`: an order or an invoice of a subscription was refunded, in full or in part."""

from __future__ import annotations

from api_multi.stripe_events import cart_checkout
from api_multi.stripe_events.charges import charge_of_event
from dream.clients.stripe.account import StripeAccount
from dream.clients.stripe.http import StripeRefused
from dream.db import payments
from dream.db.payments import Payment
from dream.domain.stripe.charge import StripeCharge
from dream.runtime.context import Context
from dream.webhooks.matching import match_owner
from dream.webhooks.processing import Event, Handled, ignored


async def refunded(context: Context, event: Event) -> Handled:
    """Stores the sum of all refunds, whether or not D1 has the payment yet. A full refund of an order releases its stock."""
    found = await charge_of_event(context, event, event.object["id"])
    if isinstance(found, Handled):
        return found
    account, charge = found
    if "orderId" in charge.metadata:
        return await cart_checkout.settle_order(context, event, charge.metadata)
    return await _invoice_refunded(context, event, account, charge)


async def _invoice_refunded(context: Context, event: Event, account: StripeAccount, charge: StripeCharge) -> Handled:
    """The charge of an invoice has no metadata of dream-api. The metadata of its subscription name the user.

    Stores the whole payment, so that a refund whose event comes before the payment's is not lost.
    """
    if charge.payment_intent_id is None:
        return ignored("not created by dream-api")
    try:
        paid = await account.list_invoice_payments(payment_intent_id=charge.payment_intent_id)
        if not paid:
            return ignored("not created by dream-api")
        invoice = await account.retrieve_invoice(paid[0].invoice_id)
    except StripeRefused as refusal:
        if not refusal.is_disconnected and not refusal.is_missing:
            raise
        return ignored("Stripe does not show the invoice")
    matched = await match_owner(context, event, invoice.subscription_metadata)
    if isinstance(matched, Handled):
        return matched
    _, owner = matched
    payment = Payment(
        payment_id=invoice.id,
        kind="invoice",
        user_id=owner.user_id,
        payment_intent_id=charge.payment_intent_id,
        currency=invoice.currency,
        amount_paid=invoice.amount_paid,
        amount_refunded=charge.amount_refunded,
        paid_at=invoice.paid_at or charge.created,
    )
    return Handled([payments.upsert(owner.publishable_key, payment)], publishable_key=owner.publishable_key)
