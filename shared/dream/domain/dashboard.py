"""A project's dashboard: numbers from stored facts, and one customer's line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, get_args

from dream.domain.keys import DashboardKeyStatus
from dream.domain.products import is_low
from dream.domain.subscriptions import ShownSubscriptionStatus
from dream.domain.tiers import Tier, shown_limit

DAYS_SHOWN = 30

SUBSCRIPTION_STATUSES: tuple[ShownSubscriptionStatus, ...] = get_args(ShownSubscriptionStatus)
"""Stripe's, and `none` for customers who never subscribed."""


def first_day_of(today: str) -> str:
    """The first day that a dashboard of `today` (YYYY-MM-DD) needs: thirty days back, and the whole month."""
    month_start = f"{today[:7]}-01"
    return min(month_start, _days_back(today, DAYS_SHOWN - 1))


def series(rows: Iterable[Mapping[str, Any]], value: str, name: str, today: str) -> list[dict[str, Any]]:
    """The last thirty days, the oldest first, days without a row as nothing. `value` is the rows' column, `name` ours."""
    known: dict[str, int] = {row["date"]: row[value] for row in rows}
    days = (_days_back(today, back) for back in range(DAYS_SHOWN - 1, -1, -1))
    return [{"date": day, name: known.get(day, 0)} for day in days]


def _days_back(today: str, back: int) -> str:
    return (date.fromisoformat(today) - timedelta(days=back)).isoformat()


def metrics(
    totals: Mapping[str, Any], usage_days: Iterable[Mapping[str, Any]], tiers: Sequence[Tier], today: str
) -> dict[str, Any]:
    """Money in minor units: paid, less refunds. `mrr` is what present subscriptions come to in a month, `usageThisPeriod` the
    calendar month's calls.
    """
    month = today[:7]
    products = [tier for tier in tiers if tier.billing_mode == "one_off" and tier.inventory is not None]
    return {
        "activeSubs": totals["activeSubscriptions"],
        "cancelingSubs": totals["cancelingSubscriptions"],
        "mrr": totals["monthlyAmount"],
        "revenue": totals["revenue"],
        "usageThisPeriod": sum(row["usageCount"] for row in usage_days if row["date"].startswith(month)),
        "storeSalesCount": totals["storeSales"],
        "storeTotalRevenue": totals["storeRevenue"],
        "lowStockProducts": sum(is_low(tier) for tier in products),
        "totalInventory": sum(tier.inventory or 0 for tier in products),
        "totalCustomers": totals["endUsers"],
        "currency": currency_of(tiers),
    }


def currency_of(tiers: Sequence[Tier]) -> str:
    """The currency of a project: that of its tiers, which all have the same."""
    return tiers[0].currency if tiers else "usd"


def low_stock(tiers: Iterable[Tier]) -> list[dict[str, Any]]:
    """The products of which few are left, the fewest first."""
    low = sorted((tier for tier in tiers if is_low(tier)), key=lambda tier: (tier.inventory or 0, tier.name))
    return [{"name": tier.name, "displayName": tier.display_name, "inventory": tier.inventory} for tier in low]


@dataclass(frozen=True, slots=True)
class Customer:
    """One end user as a line of the dashboard. `limit` None is unlimited; a store's customers have no plan."""

    user_id: str
    email: str | None
    created_at: str
    plan: str | None
    limit: int | None
    usage_count: int
    period_start: str
    period_end: str
    status: str
    subscription_id: str | None
    stripe_customer_id: str | None
    price_id: str | None
    product_id: str | None
    amount: int | None
    currency: str | None
    current_period_end: str | None
    canceled_at: str | None
    will_cancel: bool

    @classmethod
    def from_row(cls, row: Mapping[str, Any], month_end: str) -> Customer:
        return cls(
            user_id=row["clerkUserId"],
            email=row["email"],
            created_at=row["createdAt"],
            plan=row["plan"],
            limit=row["limit"],
            usage_count=row["usageCount"],
            period_start=row["periodStart"],
            period_end=row["periodEnd"] or month_end,
            status=row["status"] or "none",
            subscription_id=row["subscriptionId"],
            stripe_customer_id=row["subscriber"] or row["stripeCustomerId"],
            price_id=row["priceId"],
            product_id=row["productId"],
            amount=row["amount"],
            currency=row["currency"],
            current_period_end=row["currentPeriodEnd"],
            canceled_at=row["canceledAt"],
            will_cancel=bool(row["cancelAtPeriodEnd"]) or row["cancelAt"] is not None,
        )

    def to_json(self, publishable_key: str) -> dict[str, Any]:
        return {
            "userId": self.user_id,
            "email": self.email,
            "plan": self.plan,
            "status": self.status,
            "usageCount": self.usage_count,
            "limit": None if self.plan is None else shown_limit(self.limit),
            "periodStart": self.period_start,
            "periodEnd": self.period_end,
            "currentPeriodEnd": self.current_period_end,
            "canceledAt": self.canceled_at,
            "willCancel": self.will_cancel,
            "subscriptionId": self.subscription_id,
            "stripeCustomerId": self.stripe_customer_id,
            "priceId": self.price_id,
            "productId": self.product_id,
            "amount": self.amount,
            "currency": self.currency,
            "publishableKey": publishable_key,
            "createdAt": self.created_at,
        }


def secret_key_json(row: Mapping[str, Any], now: str) -> dict[str, Any]:
    """One secret key, masked. A rotated one whose grace time is over is `expired`."""
    expired = row["expiresAt"] is not None and row["expiresAt"] <= now
    status: DashboardKeyStatus = "expired" if expired and row["status"] == "active" else row["status"]
    return {
        "secretKeyMasked": row["secretKeyMasked"],
        "status": status,
        "createdAt": row["createdAt"],
        "lastUsedAt": row["lastUsedAt"],
        "expiresAt": row["expiresAt"],
    }
