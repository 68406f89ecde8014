"""What a developer's own subscription allows: who is paid, until when live keys answer, how many calls are included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from dream.domain.stripe_objects import StripeSubscription
from dream.domain.subscriptions import ENDED_STATUSES, SubscriptionStatus

Plan: TypeAlias = Literal["free", "paid"]

GRACE_DAYS = 7
"""How long live keys answer after a payment is overdue or the subscription has ended."""
FREE_ALLOWANCE = 5
PAID_ALLOWANCE = 500
"""How many `/verify-auth` calls a calendar month includes."""
FAR_AWAY = "9999-12-31T00:00:00.000Z"
"""`liveKeysUntil` of a platform that pays."""

PAYING_STATUSES: frozenset[SubscriptionStatus] = frozenset({"active", "trialing"})
OVERDUE_STATUSES: frozenset[SubscriptionStatus] = frozenset({"past_due", "unpaid", "paused"})


@dataclass(frozen=True, slots=True)
class Platform:
    """A developer: the platform id, and the subscription at dream-api as Stripe last told it. Moments are ISO 8601 UTC."""

    platform_id: str
    clerk_user_id: str
    email: str | None
    stripe_customer_id: str | None
    checkout_session_id: str | None
    subscription_id: str | None
    subscription_status: str | None
    current_period_start: str | None
    current_period_end: str | None
    cancel_at_period_end: bool
    cancel_at: str | None
    canceled_at: str | None
    ended_at: str | None
    live_keys_until: str | None
    updated_at: str

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Platform:
        return cls(
            platform_id=row["platformId"],
            clerk_user_id=row["clerkUserId"],
            email=row["email"],
            stripe_customer_id=row["stripeCustomerId"],
            checkout_session_id=row["checkoutSessionId"],
            subscription_id=row["subscriptionId"],
            subscription_status=row["subscriptionStatus"],
            current_period_start=row["currentPeriodStart"],
            current_period_end=row["currentPeriodEnd"],
            cancel_at_period_end=bool(row["cancelAtPeriodEnd"]),
            cancel_at=row["cancelAt"],
            canceled_at=row["canceledAt"],
            ended_at=row["endedAt"],
            live_keys_until=row["liveKeysUntil"],
            updated_at=row["updatedAt"],
        )

    @property
    def has_subscription(self) -> bool:
        """Whether there is one that has not ended: it is changed in the portal, never bought twice."""
        return self.subscription_id is not None and self.ended_at is None

    def is_paid(self, now: str) -> bool:
        """Paid or trialing, or overdue for less than the grace time."""
        if self.subscription_status in PAYING_STATUSES:
            return True
        return self.subscription_status == "past_due" and self.live_keys_work(now)

    def plan(self, now: str) -> Plan:
        return "paid" if self.is_paid(now) else "free"

    def live_keys_work(self, now: str) -> bool:
        return self.live_keys_until is not None and self.live_keys_until > now

    def to_json(self, now: str) -> dict[str, Any]:
        """As `GET /subscription` shows it. `liveKeysUntil` is None without a known end, be it paid or never paid."""
        ends = self.live_keys_until
        if ends is not None and ends >= FAR_AWAY:
            ends = None
        return {
            "platformId": self.platform_id,
            "plan": self.plan(now),
            "status": self.subscription_status or "none",
            "currentPeriodStart": self.current_period_start,
            "currentPeriodEnd": self.current_period_end,
            "cancelAtPeriodEnd": self.cancel_at_period_end or self.cancel_at is not None,
            "cancelAt": self.cancel_at,
            "canceledAt": self.canceled_at,
            "endedAt": self.ended_at,
            "liveKeysActive": self.live_keys_work(now),
            "liveKeysUntil": ends,
        }


@dataclass(frozen=True, slots=True)
class PlatformSubscription:
    """What of a subscription at Stripe is kept with the platform. `unpaid_since` is set while a payment is overdue."""

    id: str
    customer_id: str
    status: str
    current_period_start: str
    current_period_end: str
    cancel_at_period_end: bool
    cancel_at: str | None
    canceled_at: str | None
    ended_at: str | None
    unpaid_since: str | None

    @classmethod
    def from_stripe(cls, subscription: StripeSubscription, now: str) -> PlatformSubscription:
        """An overdue renewal is unpaid since the period that it is for began."""
        status = subscription.status
        unpaid_since = subscription.current_period_start if status in ("past_due", "unpaid") else now
        ended_at = subscription.ended_at
        if ended_at is None and status in ENDED_STATUSES:
            ended_at = subscription.canceled_at or now
        return cls(
            id=subscription.id,
            customer_id=subscription.customer_id,
            status=status,
            current_period_start=subscription.current_period_start,
            current_period_end=subscription.current_period_end,
            cancel_at_period_end=subscription.cancel_at_period_end,
            cancel_at=subscription.cancel_at,
            canceled_at=subscription.canceled_at,
            ended_at=ended_at,
            unpaid_since=unpaid_since if status in OVERDUE_STATUSES else None,
        )

    @property
    def counts(self) -> bool:
        """Whether it was ever paid: what is `incomplete` neither begins nor ends anything."""
        return not self.status.startswith("incomplete")


def allowance(plan: Plan) -> int:
    return PAID_ALLOWANCE if plan == "paid" else FREE_ALLOWANCE
