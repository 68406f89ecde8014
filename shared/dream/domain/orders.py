"""Orders of a store: what they show, and how they follow from their payment at Stripe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from dream.domain.stripe.charge import StripeCharge
from dream.domain.stripe.checkout_session import CartPayment
from dream.errors import InvalidFields

OrderStatus: TypeAlias = Literal[
    "open", "processing", "expired", "failed", "paid", "partially_refunded", "disputed", "refunded"
]

STATUSES: tuple[OrderStatus, ...] = get_args(OrderStatus)
"""In the order in which an order moves. It never moves back, whatever the sequence in which reads of Stripe are stored."""

CHECKOUT_LIFE_SECONDS = 35 * 60
"""How long a buyer may take. Stripe requires at least 30 minutes; the rest is for a retry of the request."""
SHORTEST_LIFE_SECONDS = 30 * 60 + 30
"""How long an order must last at least, so that a retry can create its checkout session."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """The state of an order by its payment at Stripe. Amounts are minor units; `amount_paid` None: nothing was paid."""

    status: OrderStatus
    payment_intent_id: str | None = None
    amount_paid: int | None = None
    amount_refunded: int = 0
    currency: str | None = None
    paid_at: str | None = None
    email: str | None = None


def status_of(text: str | None) -> OrderStatus | None:
    """The status in a query. None if the query has none. Raises InvalidFields."""
    if not text:
        return None
    if text not in STATUSES:
        raise InvalidFields({"status": f"one of {', '.join(STATUSES)}"})
    return text


def settlement_of(payment: CartPayment, now: str) -> Settlement:
    """The order's state by the present state of its checkout session: https://docs.stripe.com/checkout/fulfillment

    A complete session that is not paid waits for its bank debit, as long as the payment intent can still succeed.
    """
    session, intent, charge = payment.session, payment.intent, payment.charge
    if session.is_settled:
        return Settlement(
            status=_status_of_paid(charge),
            payment_intent_id=session.payment_intent_id,
            amount_paid=session.amount_total,
            amount_refunded=0 if charge is None else charge.amount_refunded,
            currency=session.currency,
            paid_at=now if charge is None else charge.created,
            email=session.email,
        )
    if session.status == "expired":
        return Settlement("expired", session.payment_intent_id)
    if session.status == "open":
        return Settlement("open")
    lost = intent is not None and intent.status in ("requires_payment_method", "canceled")
    return Settlement("failed" if lost else "processing", session.payment_intent_id, email=session.email)


def _status_of_paid(charge: StripeCharge | None) -> OrderStatus:
    if charge is None:
        return "paid"
    if charge.refunded:
        return "refunded"
    if charge.disputed:
        return "disputed"
    return "partially_refunded" if charge.amount_refunded > 0 else "paid"


@dataclass(frozen=True, slots=True)
class OrderItem:
    """One product of an order, at its price when it was ordered. `unit_amount` is minor units."""

    tier: str
    display_name: str
    price_id: str
    product_id: str | None
    unit_amount: int
    quantity: int

    def to_json(self) -> dict[str, Any]:
        return {
            "tier": self.tier,
            "displayName": self.display_name,
            "priceId": self.price_id,
            "productId": self.product_id,
            "unitAmount": self.unit_amount,
            "quantity": self.quantity,
            "amount": self.unit_amount * self.quantity,
        }


@dataclass(frozen=True, slots=True)
class Order:
    """One order with its items. Amounts are minor units of `currency`, moments ISO 8601 UTC."""

    id: str
    publishable_key: str
    user_id: str | None
    email: str | None
    status: OrderStatus
    session_id: str | None
    payment_intent_id: str | None
    currency: str
    amount_total: int
    amount_paid: int
    amount_refunded: int
    expires_at: str
    created_at: str
    updated_at: str
    paid_at: str | None
    items: tuple[OrderItem, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "orderId": self.id,
            "publishableKey": self.publishable_key,
            "userId": self.user_id,
            "email": self.email,
            "status": self.status,
            "sessionId": self.session_id,
            "paymentIntentId": self.payment_intent_id,
            "currency": self.currency,
            "amountTotal": self.amount_total,
            "amountPaid": self.amount_paid,
            "amountRefunded": self.amount_refunded,
            "items": [item.to_json() for item in self.items],
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "paidAt": self.paid_at,
            "expiresAt": self.expires_at,
        }
