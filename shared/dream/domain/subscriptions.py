"""Subscriptions of end users: what D1 stores of Stripe's object, and whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from dream.domain.stripe.subscription import StripeSubscription

PAST_DUE_GRACE_SECONDS = 7 * 24 * 3600
"""How long a `past_due` subscription gives its plan while Stripe retries the payment. `db.plan_in_force` applies it."""

SubscriptionStatus: TypeAlias = Literal[
    "active", "trialing", "past_due", "unpaid", "paused", "incomplete", "incomplete_expired", "canceled"
]
"""The statuses at Stripe: https://docs.stripe.com/api/subscriptions/object#subscription_object-status"""

ShownSubscriptionStatus: TypeAlias = Literal[SubscriptionStatus, "none"]
"""The statuses in answers. `none` is for users who never subscribed."""

ENDED_STATUSES: frozenset[SubscriptionStatus] = frozenset({"canceled", "incomplete_expired"})
"""A subscription in one of these statuses never leaves it: https://docs.stripe.com/billing/subscriptions/overview"""

SWITCHABLE_STATUSES: frozenset[SubscriptionStatus] = frozenset({"active", "trialing", "past_due"})
"""In these statuses the billing portal lets a subscriber change to another price."""

# Months per interval, as a fraction: an average year has 365.25 days.
_MONTHS: Mapping[str, tuple[int, int]] = {"day": (48, 1461), "week": (336, 1461), "month": (1, 1), "year": (12, 1)}


@dataclass(frozen=True, slots=True)
class Owner:
    """The project and the end user that an object at Stripe was created for."""

    publishable_key: str
    user_id: str

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> Owner | None:
        """Reads the metadata of sessions, subscriptions and customers. None for objects that were not created by dream-api."""
        publishable_key, user_id = metadata.get("publishableKey"), metadata.get("userId")
        if not isinstance(publishable_key, str) or not isinstance(user_id, str) or not publishable_key or not user_id:
            return None
        return cls(publishable_key, user_id)

    def to_metadata(self) -> dict[str, str]:
        return {"publishableKey": self.publishable_key, "userId": self.user_id}


@dataclass(frozen=True, slots=True)
class SubscriptionFacts:
    """What D1 stores of a subscription, except the plan, which follows the price. Amounts are minor units, moments ISO 8601 UTC."""

    subscription_id: str
    customer_id: str
    status: str
    price_id: str
    product_id: str
    amount: int
    currency: str
    monthly_amount: int
    period_start: str
    period_end: str
    cancel_at_period_end: bool
    cancel_at: str | None
    canceled_at: str | None
    ended_at: str | None
    created_at: str

    @classmethod
    def from_stripe(cls, subscription: StripeSubscription) -> SubscriptionFacts:
        amount = subscription.unit_amount * subscription.quantity
        ended = subscription.status in ENDED_STATUSES
        return cls(
            subscription_id=subscription.id,
            customer_id=subscription.customer_id,
            status=subscription.status,
            price_id=subscription.price_id,
            product_id=subscription.product_id,
            amount=amount,
            currency=subscription.currency,
            monthly_amount=monthly_amount(amount, subscription.interval, subscription.interval_count),
            period_start=subscription.current_period_start,
            period_end=subscription.current_period_end,
            cancel_at_period_end=subscription.cancel_at_period_end,
            cancel_at=subscription.cancel_at,
            canceled_at=subscription.canceled_at,
            ended_at=(subscription.ended_at or subscription.canceled_at or subscription.created) if ended else None,
            created_at=subscription.created,
        )

    @property
    def is_live(self) -> bool:
        return self.ended_at is None


def monthly_amount(amount: int, interval: str, interval_count: int) -> int:
    """The monthly amount of a price, rounded to the nearest minor unit: `amount` is due each `interval_count` intervals."""
    months, divided_by = _MONTHS[interval]
    divisor = months * interval_count
    return (2 * amount * divided_by + divisor) // (2 * divisor)
