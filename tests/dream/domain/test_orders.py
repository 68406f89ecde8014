"""Guarantee: an order is what the session, its payment intent and its charge say together."""

from __future__ import annotations

from typing import Any

import pytest

from dream.domain.orders import OrderStatus, settlement_of, status_of
from dream.domain.stripe.charge import StripeCharge, StripePaymentIntent
from dream.domain.stripe.checkout_session import CartPayment, CheckoutSession
from dream.errors import InvalidFields

NOW = "2026-11-24T12:00:00.000Z"
CHARGED = "2026-11-24T11:00:00.000Z"


def session(status: str, payment_status: str) -> CheckoutSession:
    return CheckoutSession(
        id="cs_1",
        mode="payment",
        status=status,
        payment_status=payment_status,
        url=None,
        customer_id=None,
        email="buyer@example.com",
        client_reference_id=None,
        subscription_id=None,
        payment_intent_id="pi_1",
        invoice_id=None,
        amount_total=1000,
        currency="usd",
        expires_at=NOW,
        metadata={},
        livemode=False,
    )


def intent(status: str) -> StripePaymentIntent:
    return StripePaymentIntent("pi_1", status, None, 1000, 1000, "usd", {}, False)


def charge(**changes: Any) -> StripeCharge:
    facts: dict[str, Any] = {"amount_refunded": 0, "refunded": False, "disputed": False, **changes}
    return StripeCharge(
        id="ch_1",
        status="succeeded",
        payment_intent_id="pi_1",
        customer_id=None,
        amount=1000,
        amount_captured=1000,
        currency="usd",
        created=CHARGED,
        metadata={},
        livemode=False,
        **facts,
    )


@pytest.mark.parametrize(
    ("payment", "status", "paid", "refunded"),
    [
        (CartPayment(session("open", "unpaid"), None, None), "open", None, 0),
        (CartPayment(session("open", "unpaid"), intent("requires_payment_method"), None), "open", None, 0),
        (CartPayment(session("expired", "unpaid"), intent("canceled"), None), "expired", None, 0),
        (CartPayment(session("complete", "unpaid"), intent("processing"), charge()), "processing", None, 0),
        (CartPayment(session("complete", "unpaid"), None, None), "processing", None, 0),
        (CartPayment(session("complete", "unpaid"), intent("succeeded"), charge()), "processing", None, 0),
        (CartPayment(session("complete", "unpaid"), intent("requires_payment_method"), None), "failed", None, 0),
        (CartPayment(session("complete", "unpaid"), intent("canceled"), None), "failed", None, 0),
        (CartPayment(session("complete", "no_payment_required"), None, None), "paid", 1000, 0),
        (CartPayment(session("complete", "paid"), intent("succeeded"), charge()), "paid", 1000, 0),
        (
            CartPayment(session("complete", "paid"), intent("succeeded"), charge(amount_refunded=300)),
            "partially_refunded",
            1000,
            300,
        ),
        (
            CartPayment(session("complete", "paid"), intent("succeeded"), charge(amount_refunded=300, disputed=True)),
            "disputed",
            1000,
            300,
        ),
        (
            CartPayment(
                session("complete", "paid"),
                intent("succeeded"),
                charge(amount_refunded=1000, refunded=True, disputed=True),
            ),
            "refunded",
            1000,
            1000,
        ),
    ],
)
def test_the_session_decides(payment: CartPayment, status: OrderStatus, paid: int | None, refunded: int) -> None:
    settlement = settlement_of(payment, NOW)
    assert (settlement.status, settlement.amount_paid, settlement.amount_refunded) == (status, paid, refunded)
    assert settlement.paid_at == (None if paid is None else CHARGED if payment.charge else NOW)


def test_a_query_names_a_status_or_none() -> None:
    assert status_of("paid") == "paid"
    assert status_of("") is None
    with pytest.raises(InvalidFields):
        status_of("sold")
