"""`payments`: money that end users paid, one row per invoice or order. Amounts are set from what Stripe says, never added to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from dream.runtime.bindings import Bound, Sql

PaymentKind: TypeAlias = Literal["invoice", "order"]

# Stores a payment. Refunds only ever grow, so of two reads that crossed, the one with the larger refund is the later one.
UPSERT = Sql("""
INSERT INTO payments (publishableKey, paymentId, kind, userId, paymentIntentId, currency, amountPaid, amountRefunded, paidAt)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (publishableKey, paymentId) DO UPDATE SET
  userId = coalesce(userId, excluded.userId),
  paymentIntentId = coalesce(excluded.paymentIntentId, paymentIntentId),
  amountPaid = excluded.amountPaid,
  amountRefunded = max(amountRefunded, excluded.amountRefunded)
""")


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment. `payment_id` is the id of the invoice or the order. Amounts are minor units, `paid_at` is ISO 8601 UTC."""

    payment_id: str
    kind: PaymentKind
    user_id: str | None
    payment_intent_id: str | None
    currency: str
    amount_paid: int
    amount_refunded: int
    paid_at: str


def upsert(publishable_key: str, payment: Payment) -> Bound:
    """Stores the payment. To repeat it changes nothing. Triggers keep the project's totals up to date."""
    return UPSERT.bind(
        publishable_key,
        payment.payment_id,
        payment.kind,
        payment.user_id,
        payment.payment_intent_id,
        payment.currency,
        payment.amount_paid,
        payment.amount_refunded,
        payment.paid_at,
    )
