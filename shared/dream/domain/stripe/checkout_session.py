"""Checkout Sessions, and what was paid in one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dream.domain.stripe.charge import StripeCharge, StripePaymentIntent
from dream.domain.stripe.fields import id_or_none, metadata_of
from dream.domain.timestamps import iso

if TYPE_CHECKING:
    from stripe import checkout


@dataclass(frozen=True, slots=True)
class CheckoutSession:
    """A Checkout Session. Stripe sets `url` only while the session is open."""

    id: str
    mode: str
    status: str | None
    payment_status: str
    url: str | None
    customer_id: str | None
    email: str | None
    client_reference_id: str | None
    subscription_id: str | None
    payment_intent_id: str | None
    invoice_id: str | None
    amount_total: int
    currency: str | None
    expires_at: str
    metadata: Mapping[str, str]
    livemode: bool

    @classmethod
    def from_stripe(cls, session: checkout.Session) -> CheckoutSession:
        details = session.customer_details
        return cls(
            id=session.id,
            mode=session.mode,
            status=session.status,
            payment_status=session.payment_status,
            url=session.url,
            customer_id=id_or_none(session.customer),
            email=session.customer_email if details is None else details.email,
            client_reference_id=session.client_reference_id,
            subscription_id=id_or_none(session.subscription),
            payment_intent_id=id_or_none(session.payment_intent),
            invoice_id=id_or_none(session.invoice),
            amount_total=session.amount_total or 0,
            currency=session.currency,
            expires_at=iso(session.expires_at),
            metadata=metadata_of(session.metadata),
            livemode=session.livemode,
        )

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to pay. A trial or a full discount needs no payment."""
        return self.payment_status in ("paid", "no_payment_required")


@dataclass(frozen=True, slots=True)
class CartPayment:
    """A Checkout Session, its payment intent, and the latest charge of that intent, all read at the same moment."""

    session: CheckoutSession
    intent: StripePaymentIntent | None
    charge: StripeCharge | None

    @classmethod
    def from_stripe(cls, session: checkout.Session) -> CartPayment:
        """The session must have been retrieved with `payment_intent.latest_charge` expanded."""
        intent = session.payment_intent
        if intent is None or isinstance(intent, str):
            return cls(CheckoutSession.from_stripe(session), None, None)
        charge = intent.latest_charge
        return cls(
            CheckoutSession.from_stripe(session),
            StripePaymentIntent.from_stripe(intent),
            None if charge is None or isinstance(charge, str) else StripeCharge.from_stripe(charge),
        )
