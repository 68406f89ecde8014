"""A project's dashboard: metrics, daily series and keys, computed from what D1 stores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, get_args

from dream.domain.keys import DashboardKeyStatus, KeyStatus
from dream.domain.products import is_low
from dream.domain.subscriptions import ShownSubscriptionStatus
from dream.domain.tiers import Tier

DAYS_SHOWN = 30

SUBSCRIPTION_STATUSES: tuple[ShownSubscriptionStatus, ...] = get_args(ShownSubscriptionStatus)
"""The statuses of subscriptions at Stripe, and `none` for customers who never subscribed."""


@dataclass(frozen=True, slots=True)
class ProjectTotals:
    """Running totals of a project. Amounts are minor units; `monthly_amount` is what present subscriptions pay per month."""

    end_users: int
    active_subscriptions: int
    canceling_subscriptions: int
    monthly_amount: int
    revenue: int
    store_sales: int
    store_revenue: int


@dataclass(frozen=True, slots=True)
class SecretKeyState:
    """A secret key, masked. `expires_at` is set on a rotated key: the end of its grace time. Moments are ISO 8601 UTC."""

    masked: str
    status: KeyStatus
    expires_at: str | None
    created_at: str
    last_used_at: str | None

    def status_at(self, now: str) -> DashboardKeyStatus:
        """`active`, `revoked`, or `expired` if the grace time has passed."""
        is_expired = self.expires_at is not None and self.expires_at <= now
        return "expired" if is_expired and self.status == "active" else self.status

    def to_json(self, now: str) -> dict[str, Any]:
        return {
            "secretKeyMasked": self.masked,
            "status": self.status_at(now),
            "createdAt": self.created_at,
            "lastUsedAt": self.last_used_at,
            "expiresAt": self.expires_at,
        }


def first_day_of(today: str) -> str:
    """The first day (YYYY-MM-DD) that a dashboard of `today` reads: thirty days back, or the start of the month if it is earlier."""
    month_start = f"{today[:7]}-01"
    return min(month_start, _days_before(today, DAYS_SHOWN - 1))


def series(value_by_day: Mapping[str, int], name: str, today: str) -> list[dict[str, Any]]:
    """The last thirty days, the oldest first. Each has its value as `name`; it is 0 for days that `value_by_day` does not have."""
    days = (_days_before(today, days) for days in range(DAYS_SHOWN - 1, -1, -1))
    return [{"date": day, name: value_by_day.get(day, 0)} for day in days]


def _days_before(today: str, days: int) -> str:
    return (date.fromisoformat(today) - timedelta(days=days)).isoformat()


def metrics(
    totals: ProjectTotals, calls_by_day: Mapping[str, int], tiers: Sequence[Tier], today: str
) -> dict[str, Any]:
    """The metrics as the API answers them. Money is minor units, paid less refunds. `usageThisPeriod` counts the calendar month."""
    month = today[:7]
    products = [tier for tier in tiers if tier.billing_mode == "one_off" and tier.inventory is not None]
    return {
        "activeSubs": totals.active_subscriptions,
        "cancelingSubs": totals.canceling_subscriptions,
        "mrr": totals.monthly_amount,
        "revenue": totals.revenue,
        "usageThisPeriod": sum(count for day, count in calls_by_day.items() if day.startswith(month)),
        "storeSalesCount": totals.store_sales,
        "storeTotalRevenue": totals.store_revenue,
        "lowStockProducts": sum(is_low(tier) for tier in products),
        "totalInventory": sum(tier.inventory or 0 for tier in products),
        "totalCustomers": totals.end_users,
        "currency": currency_of(tiers),
    }


def currency_of(tiers: Sequence[Tier]) -> str:
    """The currency of a project: all its tiers have the same."""
    return tiers[0].currency if tiers else "usd"


def low_stock(tiers: Iterable[Tier]) -> list[dict[str, Any]]:
    """The products with few units left, the fewest first."""
    low = sorted((tier for tier in tiers if is_low(tier)), key=lambda tier: (tier.inventory or 0, tier.name))
    return [{"name": tier.name, "displayName": tier.display_name, "inventory": tier.inventory} for tier in low]
