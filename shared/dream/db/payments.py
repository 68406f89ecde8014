"""`payments`: money that end users paid, one row per invoice or order. Set from what Stripe says now, never added to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from dream.runtime.bindings import Bound, Database, Row, Sql

PaymentKind: TypeAlias = Literal["invoice", "order"]

# Refunds only ever grow, so of two readings that crossed the larger one is the later one.
RECORD = Sql("""
INSERT INTO payments (publishableKey, paymentId, kind, userId, paymentIntentId, currency, amountPaid, amountRefunded, paidAt)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (publishableKey, paymentId) DO UPDATE SET
  userId = coalesce(userId, excluded.userId),
  paymentIntentId = coalesce(excluded.paymentIntentId, paymentIntentId),
  amountPaid = excluded.amountPaid,
  amountRefunded = max(amountRefunded, excluded.amountRefunded)
""")

FIND_BY_INTENT = Sql("""
SELECT paymentId, kind, amountPaid, amountRefunded FROM payments WHERE publishableKey = ?1 AND paymentIntentId = ?2
""")


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment. `payment_id` is the invoice's or the order's id; amounts are minor units, `paid_at` is ISO 8601 UTC."""

    payment_id: str
    kind: PaymentKind
    user_id: str | None
    payment_intent_id: str | None
    currency: str
    amount_paid: int
    amount_refunded: int
    paid_at: str


def record(publishable_key: str, payment: Payment) -> Bound:
    """A statement for the batch of what the payment settles. Repeating it changes nothing; project totals follow by trigger."""
    return RECORD.bind(
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


async def find_by_intent(db: Database, publishable_key: str, payment_intent_id: str) -> Row | None:
    """The payment that this payment intent made."""
    return await db.first(FIND_BY_INTENT, publishable_key, payment_intent_id)
