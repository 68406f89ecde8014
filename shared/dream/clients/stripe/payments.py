"""Invoices, charges and refunds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream.clients.stripe.account_calls import AccountCalls, Metadata
from dream.clients.stripe.http import answered
from dream.domain.stripe.charge import StripeCharge
from dream.domain.stripe.fields import id_of
from dream.domain.stripe.invoice import InvoicePayment, StripeInvoice

if TYPE_CHECKING:
    from stripe.params import InvoicePaymentListParams, RefundCreateParams


class PaymentCalls(AccountCalls):
    """Reads invoices, their payments and charges; creates refunds."""

    async def retrieve_invoice(self, invoice_id: str) -> StripeInvoice:
        found = self._v1.invoices.retrieve_async(invoice_id, None, self._options())
        return await answered(found, StripeInvoice.from_stripe)

    async def list_invoice_payments(
        self, *, invoice_id: str | None = None, payment_intent_id: str | None = None
    ) -> list[InvoicePayment]:
        """The payments of one invoice, or the invoice payments that a payment intent made. Exactly one id is given."""
        params: InvoicePaymentListParams = {"invoice": invoice_id or ""}
        if payment_intent_id is not None:
            params = {"payment": {"type": "payment_intent", "payment_intent": payment_intent_id}}
        page = self._v1.invoice_payments.list_async(params, self._options())
        return await answered(page, lambda found: [InvoicePayment.from_stripe(each) for each in found.data])

    async def retrieve_charge(self, charge_id: str) -> StripeCharge:
        found = self._v1.charges.retrieve_async(charge_id, None, self._options())
        return await answered(found, StripeCharge.from_stripe)

    async def create_refund(
        self, payment_intent_id: str, *, amount: int | None = None, metadata: Metadata, idempotency_key: str
    ) -> str:
        """Returns the id of the new refund. `amount` is in minor units; without it, all that remains is refunded."""
        params: RefundCreateParams = {"payment_intent": payment_intent_id, "metadata": dict(metadata)}
        if amount is not None:
            params["amount"] = amount
        created = self._v1.refunds.create_async(params, self._options(idempotency_key))
        return await answered(created, id_of)
