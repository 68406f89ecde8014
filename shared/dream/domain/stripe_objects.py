"""What we read of Stripe's objects, as plain frozen values: ids for expandable fields, ISO 8601 moments, minor units.

Field names are checked against stripe-python's own classes by the type checker; nothing of it is imported at run time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from dream.domain.timestamps import iso

if TYPE_CHECKING:
    import stripe
    from stripe import checkout


class _Identified(Protocol):
    id: str


class _Untyped(Protocol):
    def to_dict(self) -> dict[str, str]: ...


def id_of(expandable: str | _Identified) -> str:
    """The id, whether Stripe expanded the object or not."""
    return expandable if isinstance(expandable, str) else expandable.id


def _id_or_none(expandable: str | _Identified | None) -> str | None:
    return None if expandable is None else id_of(expandable)


def _iso_or_none(seconds: int | None) -> str | None:
    return None if seconds is None else iso(seconds)


def metadata_of(metadata: _Untyped | None) -> Mapping[str, str]:
    """An object's metadata as a plain mapping."""
    return {} if metadata is None else metadata.to_dict()


@dataclass(frozen=True, slots=True)
class StripePrice:
    """A price. `interval` is None for a one-time price."""

    id: str
    product_id: str
    unit_amount: int
    currency: str
    interval: str | None
    interval_count: int
    active: bool
    livemode: bool
    metadata: Mapping[str, str]

    @classmethod
    def from_stripe(cls, price: stripe.Price) -> StripePrice:
        recurring = price.recurring
        return cls(
            id=price.id,
            product_id=id_of(price.product),
            unit_amount=price.unit_amount or 0,
            currency=price.currency,
            interval=None if recurring is None else recurring.interval,
            interval_count=1 if recurring is None else recurring.interval_count,
            active=price.active,
            livemode=price.livemode,
            metadata=metadata_of(price.metadata),
        )


@dataclass(frozen=True, slots=True)
class StripeSubscription:
    """A subscription and its one item. `ended_at` says that it is over, `canceled_at` only that somebody asked."""

    id: str
    status: str
    customer_id: str
    item_id: str
    price_id: str
    product_id: str
    unit_amount: int
    currency: str
    interval: str
    interval_count: int
    quantity: int
    current_period_start: str
    current_period_end: str
    cancel_at_period_end: bool
    cancel_at: str | None
    canceled_at: str | None
    ended_at: str | None
    trial_end: str | None
    created: str
    latest_invoice_id: str | None
    metadata: Mapping[str, str]
    livemode: bool

    @classmethod
    def from_stripe(cls, subscription: stripe.Subscription) -> StripeSubscription:
        """The period is the item's: https://docs.stripe.com/changelog/basil/2025-03-31/deprecate-subscription-current-period-start-and-end"""
        item = subscription.items.data[0]
        price = StripePrice.from_stripe(item.price)
        return cls(
            id=subscription.id,
            status=subscription.status,
            customer_id=id_of(subscription.customer),
            item_id=item.id,
            price_id=price.id,
            product_id=price.product_id,
            unit_amount=price.unit_amount,
            currency=price.currency,
            interval=price.interval or "month",
            interval_count=price.interval_count,
            quantity=1 if item.quantity is None else item.quantity,
            current_period_start=iso(item.current_period_start),
            current_period_end=iso(item.current_period_end),
            cancel_at_period_end=subscription.cancel_at_period_end,
            cancel_at=_iso_or_none(subscription.cancel_at),
            canceled_at=_iso_or_none(subscription.canceled_at),
            ended_at=_iso_or_none(subscription.ended_at),
            trial_end=_iso_or_none(subscription.trial_end),
            created=iso(subscription.created),
            latest_invoice_id=_id_or_none(subscription.latest_invoice),
            metadata=metadata_of(subscription.metadata),
            livemode=subscription.livemode,
        )

    @property
    def will_cancel(self) -> bool:
        """Whether it ends at a known moment, however Stripe expresses that."""
        return self.cancel_at_period_end or self.cancel_at is not None


@dataclass(frozen=True, slots=True)
class CheckoutSession:
    """A Checkout Session. `url` is there only while it is open."""

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
            customer_id=_id_or_none(session.customer),
            email=session.customer_email if details is None else details.email,
            client_reference_id=session.client_reference_id,
            subscription_id=_id_or_none(session.subscription),
            payment_intent_id=_id_or_none(session.payment_intent),
            invoice_id=_id_or_none(session.invoice),
            amount_total=session.amount_total or 0,
            currency=session.currency,
            expires_at=iso(session.expires_at),
            metadata=metadata_of(session.metadata),
            livemode=session.livemode,
        )

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to pay; a trial or a full discount needs no payment."""
        return self.payment_status in ("paid", "no_payment_required")


@dataclass(frozen=True, slots=True)
class StripeInvoice:
    """An invoice. `subscription_metadata` is the snapshot that Stripe took when it was finalized."""

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
            customer_id=_id_or_none(invoice.customer),
            subscription_id=None if details is None else id_of(details.subscription),
            subscription_metadata={} if details is None else metadata_of(details.metadata),
            billing_reason=invoice.billing_reason,
            amount_paid=invoice.amount_paid,
            amount_due=invoice.amount_due,
            total=invoice.total,
            currency=invoice.currency,
            created=iso(invoice.created),
            paid_at=_iso_or_none(invoice.status_transitions.paid_at),
            livemode=invoice.livemode,
        )


@dataclass(frozen=True, slots=True)
class InvoicePayment:
    """How an invoice was paid: which payment intent, how much."""

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
            payment_intent_id=_id_or_none(payment.payment.payment_intent) if is_intent else None,
            status=payment.status,
            amount_paid=payment.amount_paid or 0,
            currency=payment.currency,
        )


@dataclass(frozen=True, slots=True)
class StripeCharge:
    """A charge. `amount_refunded` is the sum of all refunds so far; `refunded` says that nothing is left."""

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
            payment_intent_id=_id_or_none(charge.payment_intent),
            customer_id=_id_or_none(charge.customer),
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
    """A payment intent."""

    id: str
    status: str
    customer_id: str | None
    latest_charge_id: str | None
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
            customer_id=_id_or_none(intent.customer),
            latest_charge_id=_id_or_none(intent.latest_charge),
            amount=intent.amount,
            amount_received=intent.amount_received,
            currency=intent.currency,
            metadata=metadata_of(intent.metadata),
            livemode=intent.livemode,
        )


@dataclass(frozen=True, slots=True)
class StripeDispute:
    """A dispute of a charge."""

    id: str
    status: str
    reason: str
    charge_id: str
    payment_intent_id: str | None
    amount: int
    currency: str
    livemode: bool

    @classmethod
    def from_stripe(cls, dispute: stripe.Dispute) -> StripeDispute:
        return cls(
            id=dispute.id,
            status=dispute.status,
            reason=dispute.reason,
            charge_id=id_of(dispute.charge),
            payment_intent_id=_id_or_none(dispute.payment_intent),
            amount=dispute.amount,
            currency=dispute.currency,
            livemode=dispute.livemode,
        )


@dataclass(frozen=True, slots=True)
class StripeCustomer:
    """A customer. One that was deleted has nothing but its id."""

    id: str
    email: str | None
    name: str | None
    deleted: bool
    metadata: Mapping[str, str]

    @classmethod
    def from_stripe(cls, customer: stripe.Customer) -> StripeCustomer:
        if "deleted" in customer:
            return cls(customer.id, None, None, True, {})
        return cls(customer.id, customer.email, customer.name, False, metadata_of(customer.metadata))


@dataclass(frozen=True, slots=True)
class AccountDetails:
    """What we tell a developer of their connected account."""

    id: str
    email: str | None
    country: str | None
    default_currency: str | None
    charges_enabled: bool
    details_submitted: bool

    @classmethod
    def from_stripe(cls, account: stripe.Account) -> AccountDetails:
        return cls(
            id=account.id,
            email=account.email,
            country=account.country,
            default_currency=account.default_currency,
            charges_enabled=bool(account.charges_enabled),
            details_submitted=bool(account.details_submitted),
        )


@dataclass(frozen=True, slots=True)
class StripeEvent:
    """An event. `account` is the connected account, None for the platform's own; `object` is `data.object`."""

    id: str
    type: str
    account: str | None
    livemode: bool
    created: str
    api_version: str | None
    object: Mapping[str, Any]

    @classmethod
    def from_json(cls, event: Mapping[str, Any]) -> StripeEvent:
        """Raises KeyError, TypeError, ValueError or OverflowError for anything but an event."""
        found = event["data"]["object"]
        if not (
            isinstance(event["id"], str) and isinstance(event["type"], str) and isinstance(event["livemode"], bool)
        ):
            raise TypeError("id, type or livemode is of another type")
        if not isinstance(found, dict):
            raise TypeError("data.object is no object")
        return cls(
            id=event["id"],
            type=event["type"],
            account=event.get("account"),
            livemode=event["livemode"],
            created=iso(event["created"]),
            api_version=event.get("api_version"),
            object=cast("dict[str, Any]", found),
        )


@dataclass(frozen=True, slots=True)
class CartPayment:
    """A Checkout Session with its payment intent and that one's latest charge, as they were at one moment."""

    session: CheckoutSession
    intent: StripePaymentIntent | None
    charge: StripeCharge | None

    @classmethod
    def from_stripe(cls, session: checkout.Session) -> CartPayment:
        """Of a session that was retrieved with `payment_intent.latest_charge` expanded."""
        intent = session.payment_intent
        if intent is None or isinstance(intent, str):
            return cls(CheckoutSession.from_stripe(session), None, None)
        charge = intent.latest_charge
        return cls(
            CheckoutSession.from_stripe(session),
            StripePaymentIntent.from_stripe(intent),
            None if charge is None or isinstance(charge, str) else StripeCharge.from_stripe(charge),
        )
