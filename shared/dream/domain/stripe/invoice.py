"""Invoices and their payments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dream.domain.stripe.fields import id_of, id_or_none, iso_or_none, metadata_of
from dream.domain.timestamps import iso

if TYPE_CHECKING:
    import stripe


@dataclass(frozen=True, slots=True)
class StripeInvoice:
    """An invoice. `subscription_metadata` is a snapshot: Stripe copies it when the invoice is finalized."""

    id: str
    status: str | None
    customer_id: str | None
    subscription_id: str | None
    subscription_metadata: Mapping[str, str]
    billing_reason: str | None
    amount_paid: int
    amount_due: int
    total: int
    currency: str
    created: str
    paid_at: str | None
    livemode: bool

    @classmethod
    def from_stripe(cls, invoice: stripe.Invoice) -> StripeInvoice:
        details = None if invoice.parent is None else invoice.parent.subscription_details
        return cls(
            id=invoice.id,
            status=invoice.status,
            customer_id=id_or_none(invoice.customer),
            subscription_id=None if details is None else id_of(details.subscription),
            subscription_metadata={} if details is None else metadata_of(details.metadata),
            billing_reason=invoice.billing_reason,
            amount_paid=invoice.amount_paid,
            amount_due=invoice.amount_due,
            total=invoice.total,
            currency=invoice.currency,
            created=iso(invoice.created),
            paid_at=iso_or_none(invoice.status_transitions.paid_at),
            livemode=invoice.livemode,
        )


@dataclass(frozen=True, slots=True)
class InvoicePayment:
    """One payment of an invoice: which payment intent paid, and how much (minor units)."""

    id: str
    invoice_id: str
    payment_intent_id: str | None
    status: str
    amount_paid: int
    currency: str

    @classmethod
    def from_stripe(cls, payment: stripe.InvoicePayment) -> InvoicePayment:
        is_intent = payment.payment.type == "payment_intent"
        return cls(
            id=payment.id,
            invoice_id=id_of(payment.invoice),
            payment_intent_id=id_or_none(payment.payment.payment_intent) if is_intent else None,
            status=payment.status,
            amount_paid=payment.amount_paid or 0,
            currency=payment.currency,
        )
