"""`/refresh/status` says when a user has the plan that they paid for."""

from __future__ import annotations

import httpx

from tests.support.clerk_controls import ClerkControls
from tests.support.stack import Stack
from tests.support.stored_subscriptions import store_subscription
from tests.support.tenants import Tenant


def test_the_status_is_paid_only_while_a_subscription_gives_the_plan(
    stack: Stack, visitor: httpx.Client, tenant: Tenant, clerk: ClerkControls
) -> None:
    for status, plan, paid in (
        ("active", "pro", True),
        ("trialing", "pro", True),
        ("incomplete", "pro", False),
        ("canceled", "pro", False),
        ("active", None, False),
    ):
        user = clerk.make_user("endUsersTest")
        headers = {"X-Publishable-Key": tenant.publishable_key, "X-Clerk-Token": clerk.token("endUsersTest", user)}
        assert visitor.get("/refresh/status", headers=headers).json()["paid"] is False
        store_subscription(stack, tenant.publishable_key, user, status, plan)
        answer = visitor.get("/refresh/status", headers=headers).json()
        expected = {
            "userId": user,
            "publishableKey": tenant.publishable_key,
            "plan": "pro" if paid else "free",
            "paid": paid,
        }
        assert answer == expected
