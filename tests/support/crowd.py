"""Inserts a project with very many users into D1, and reads its dashboard over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from tests.support.stack import Stack
from tests.support.tenants import Tenant, make_tenant

MONTH = f"{datetime.now(UTC):%Y-%m}-01T00:00:00.000Z"
"""The beginning of the billing period that is shown."""

NUMBERS = """
WITH RECURSIVE numbers (n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last})
"""


@dataclass(frozen=True)
class Caller:
    """Asks the dashboard of one project with its secret key."""

    http: httpx.Client
    tenant: Tenant

    def show(self, **query: str | int) -> dict[str, Any]:
        answer = self.http.get("/api/dashboard", params=query, headers=self.tenant.headers())
        assert answer.status_code == 200, answer.text
        return answer.json()


@dataclass(frozen=True)
class Size:
    """How many users a project has. The first `canceled` of the first `subscribers` have canceled."""

    users: int
    subscribers: int
    canceled: int
    months: int


def make_crowd(stack: Stack, size: Size) -> Tenant:
    """A project of this size, made inside D1: every user has one usage row for each month."""
    tenant = make_tenant(stack)
    key = tenant.publishable_key
    stack.d1(
        NUMBERS.format(first=1, last=size.users)
        + "INSERT INTO end_users (publishableKey, clerkUserId, email, createdAt, updatedAt)"
        " SELECT ?1, printf('user_%06d', n), printf('Buyer%06d@example.com', n),"
        " strftime('%Y-%m-%dT%H:%M:%fZ', '2026-01-01', '+' || n || ' seconds'), ?2 FROM numbers",
        key,
        MONTH,
    )
    stack.d1(
        NUMBERS.format(first=1, last=size.subscribers)
        + "INSERT INTO subscriptions (publishableKey, userId, subscriptionId, stripeCustomerId, status, plan, priceId, amount,"
        " currency, monthlyAmount, currentPeriodStart, currentPeriodEnd, createdAt, updatedAt)"
        " SELECT ?1, printf('user_%06d', n), ?1 || n, 'cus_' || n, CASE WHEN n <= ?3 THEN 'canceled' ELSE 'active' END,"
        " 'pro', 'price_pro', 2900, 'usd', 2900, ?2, '2099-01-01T00:00:00.000Z', ?2, ?2 FROM numbers",
        key,
        MONTH,
        size.canceled,
    )
    for back in range(size.months):
        month = f"2025-{back + 1:02d}-01T00:00:00.000Z" if back else MONTH
        stack.d1(
            NUMBERS.format(first=1, last=size.users)
            + "INSERT INTO usage_counts (publishableKey, userId, periodStart, periodEnd, plan, usageCount, minuteStart,"
            " minuteCount, outcome, updatedAt)"
            " SELECT ?1, printf('user_%06d', n), ?2, '2099-01-01T00:00:00.000Z', 'free', 3, 0, 1, 'counted', ?2 FROM numbers",
            key,
            month,
        )
    return tenant
