"""Subscriptions put straight into D1, as a webhook stores them."""

from __future__ import annotations

import itertools
import time

from tests.support.stack import Stack
from tests.support.tenants import CREATED

_numbers = itertools.count(1)


def store_subscription(
    stack: Stack, publishable_key: str, user_id: str, status: str = "active", plan: str | None = "pro"
) -> str:
    """Inserts a subscription of the user and returns its id. Its period does not end."""
    subscription_id = f"sub_{time.time_ns()}{next(_numbers)}"
    stack.d1(
        "INSERT INTO subscriptions (publishableKey, userId, subscriptionId, stripeCustomerId, status, plan, priceId, amount,"
        " currency, currentPeriodStart, currentPeriodEnd, createdAt, updatedAt)"
        " VALUES (?1, ?2, ?3, 'cus_1', ?4, ?5, 'price_1', 2900, 'usd', ?6, '9999-01-01T00:00:00.000Z', ?6, ?6)",
        publishable_key,
        user_id,
        subscription_id,
        status,
        plan,
        CREATED,
    )
    return subscription_id
