"""The developer's own subscription at dream-api: when it counts as paid, how long live keys work, how many calls it includes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from dream.domain.stripe.subscription import StripeSubscription
from dream.domain.subscriptions import ENDED_STATUSES, SubscriptionStatus

Plan: TypeAlias = Literal["free", "paid"]

GRACE_DAYS = 7
"""How many days live keys work after a payment became overdue or the subscription ended."""
FREE_ALLOWANCE = 5
"""How many `/verify-auth` calls per calendar month the free plan includes."""
PAID_ALLOWANCE = 500
"""How many `/verify-auth` calls per calendar month the paid plan includes."""
FAR_AWAY = "9999-12-31T00:00:00.000Z"
"""`liveKeysUntil` of a platform that pays: its live keys have no known end."""
MONTHLY_PRICE_CENTS = 1500
"""The price of the paid plan in US cents. Stripe charges the price `PLATFORM_PRICE_ID`, which must have the same amount."""

PAYING_STATUSES: frozenset[SubscriptionStatus] = frozenset({"active", "trialing"})
OVERDUE_STATUSES: frozenset[SubscriptionStatus] = frozenset({"past_due", "unpaid", "paused"})


@dataclass(frozen=True, slots=True)
class Platform:
    """A developer: the platform id, and the subscription at dream-api as it was last read from Stripe. Times are ISO 8601 UTC."""

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

    @property
    def has_subscription(self) -> bool:
        """Whether there is a subscription that has not ended. The developer changes it in the billing portal."""
        return self.subscription_id is not None and self.ended_at is None

    def is_paid(self, now: str) -> bool:
        """Whether the subscription is active, trialing, or past due within the grace time."""
        if self.subscription_status in PAYING_STATUSES:
            return True
        return self.subscription_status == "past_due" and self.live_keys_work(now)

    def plan(self, now: str) -> Plan:
        return "paid" if self.is_paid(now) else "free"

    def live_keys_work(self, now: str) -> bool:
        return self.live_keys_until is not None and self.live_keys_until > now

    def to_json(self, now: str) -> dict[str, Any]:
        """As `GET /subscription` shows it. `liveKeysUntil` is None while the subscription is paid, and if it never was."""
        has_end = self.live_keys_until is not None and self.live_keys_until < FAR_AWAY
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
            "liveKeysUntil": self.live_keys_until if has_end else None,
        }


@dataclass(frozen=True, slots=True)
class PlatformSubscription:
    """The part of Stripe's subscription that D1 stores. `unpaid_since` is set while a payment is overdue."""

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
        """A past due or unpaid subscription is unpaid since its current period began, a paused one since `now`."""
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
    def was_ever_paid(self) -> bool:
        """False for `incomplete` and `incomplete_expired`: the first payment failed, so the plan never began."""
        return not self.status.startswith("incomplete")


def allowance(plan: Plan) -> int:
    """How many `/verify-auth` calls per calendar month the plan includes."""
    return PAID_ALLOWANCE if plan == "paid" else FREE_ALLOWANCE
