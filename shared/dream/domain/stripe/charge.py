"""Payment intents and their charges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dream.domain.stripe.fields import id_or_none, metadata_of
from dream.domain.timestamps import iso

if TYPE_CHECKING:
    import stripe


@dataclass(frozen=True, slots=True)
class StripeCharge:
    """A charge. `amount_refunded` is the sum of all refunds so far; `refunded` is true once the whole amount was refunded."""

    id: str
    status: str
    payment_intent_id: str | None
    customer_id: str | None
    amount: int
    amount_captured: int
    amount_refunded: int
    refunded: bool
    disputed: bool
    currency: str
    created: str
    metadata: Mapping[str, str]
    livemode: bool

    @classmethod
    def from_stripe(cls, charge: stripe.Charge) -> StripeCharge:
        return cls(
            id=charge.id,
            status=charge.status,
            payment_intent_id=id_or_none(charge.payment_intent),
            customer_id=id_or_none(charge.customer),
            amount=charge.amount,
            amount_captured=charge.amount_captured,
            amount_refunded=charge.amount_refunded,
            refunded=charge.refunded,
            disputed=charge.disputed,
            currency=charge.currency,
            created=iso(charge.created),
            metadata=metadata_of(charge.metadata),
            livemode=charge.livemode,
        )


@dataclass(frozen=True, slots=True)
class StripePaymentIntent:
    """A payment intent: Stripe's record of one payment, from its first attempt to its success."""

    id: str
    status: str
    customer_id: str | None
    amount: int
    amount_received: int
    currency: str
    metadata: Mapping[str, str]
    livemode: bool

    @classmethod
    def from_stripe(cls, intent: stripe.PaymentIntent) -> StripePaymentIntent:
        return cls(
            id=intent.id,
            status=intent.status,
            customer_id=id_or_none(intent.customer),
            amount=intent.amount,
            amount_received=intent.amount_received,
            currency=intent.currency,
            metadata=metadata_of(intent.metadata),
            livemode=intent.livemode,
        )
