"""Subscriptions: what of Stripe's object is kept, when it entitles, and whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from dream.domain.stripe.subscription import StripeSubscription

PAST_DUE_GRACE_SECONDS = 7 * 24 * 3600
"""How long a `past_due` subscription keeps its plan while Stripe retries the payment."""

SubscriptionStatus: TypeAlias = Literal[
    "active", "trialing", "past_due", "unpaid", "paused", "incomplete", "incomplete_expired", "canceled"
]
"""Stripe's: https://docs.stripe.com/api/subscriptions/object#subscription_object-status"""

ShownSubscriptionStatus: TypeAlias = Literal[SubscriptionStatus, "none"]
"""What answers show: `none` for those who never subscribed."""

ENDED_STATUSES: frozenset[SubscriptionStatus] = frozenset({"canceled", "incomplete_expired"})
"""A subscription that reached one of these never leaves it: https://docs.stripe.com/billing/subscriptions/overview"""

SWITCHABLE_STATUSES: frozenset[SubscriptionStatus] = frozenset({"active", "trialing", "past_due"})
"""In these the billing portal lets a subscriber confirm another price."""

# Months per interval, as a fraction: an average year has 365.25 days.
_MONTHS: Mapping[str, tuple[int, int]] = {"day": (48, 1461), "week": (336, 1461), "month": (1, 1), "year": (12, 1)}


@dataclass(frozen=True, slots=True)
class Owner:
    """The end user, of which project, that an object at Stripe was made for."""

    publishable_key: str
    user_id: str

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> Owner | None:
        """Of the metadata that we put on sessions, subscriptions and customers. None for objects that are not ours."""
        publishable_key, user_id = metadata.get("publishableKey"), metadata.get("userId")
        if not isinstance(publishable_key, str) or not isinstance(user_id, str) or not publishable_key or not user_id:
            return None
        return cls(publishable_key, user_id)

    def to_metadata(self) -> dict[str, str]:
        return {"publishableKey": self.publishable_key, "userId": self.user_id}


@dataclass(frozen=True, slots=True)
class SubscriptionFacts:
    """What D1 keeps of a subscription, but for the plan, which follows the price. Minor units; moments are ISO 8601 UTC."""

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

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> SubscriptionFacts:
        return cls(
            subscription_id=row["subscriptionId"],
            customer_id=row["stripeCustomerId"],
            status=row["status"],
            price_id=row["priceId"],
            product_id=row["productId"],
            amount=row["amount"],
            currency=row["currency"],
            monthly_amount=row["monthlyAmount"],
            period_start=row["currentPeriodStart"],
            period_end=row["currentPeriodEnd"],
            cancel_at_period_end=bool(row["cancelAtPeriodEnd"]),
            cancel_at=row["cancelAt"],
            canceled_at=row["canceledAt"],
            ended_at=row["endedAt"],
            created_at=row["createdAt"],
        )


def monthly_amount(amount: int, interval: str, interval_count: int) -> int:
    """An amount per so many intervals as minor units a month, rounded to the nearest."""
    months, divided_by = _MONTHS[interval]
    divisor = months * interval_count
    return (2 * amount * divided_by + divisor) // (2 * divisor)
