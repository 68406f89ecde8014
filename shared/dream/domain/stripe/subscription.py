"""Subscriptions, and the price that each one is on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dream.domain.stripe.fields import id_of, id_or_none, iso_or_none, metadata_of
from dream.domain.timestamps import iso

if TYPE_CHECKING:
    import stripe


@dataclass(frozen=True, slots=True)
class StripePrice:
    """A price. `unit_amount` is in minor units; `interval` is None for a one-time price."""

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
    """A subscription and its only item.

    `ended_at` is set once the subscription has ended. `canceled_at` is set when somebody asks for a cancellation.
    """

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
        """Stripe keeps the period on the item: https://docs.stripe.com/changelog/basil/2025-03-31/deprecate-subscription-current-period-start-and-end"""
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
            cancel_at=iso_or_none(subscription.cancel_at),
            canceled_at=iso_or_none(subscription.canceled_at),
            ended_at=iso_or_none(subscription.ended_at),
            trial_end=iso_or_none(subscription.trial_end),
            created=iso(subscription.created),
            latest_invoice_id=id_or_none(subscription.latest_invoice),
            metadata=metadata_of(subscription.metadata),
            livemode=subscription.livemode,
        )

    @property
    def will_cancel(self) -> bool:
        """Whether a moment of its end is set. Stripe has two fields for that."""
        return self.cancel_at_period_end or self.cancel_at is not None
