"""Waits until the outbox is empty, so that Stripe and Clerk know what the workers decided."""

from __future__ import annotations

from tests.support.stack import Stack
from tests.support.waiting import eventually


def settled(stack: Stack, about: str) -> None:
    """Returns when no row of the outbox mentions `about`: a user, a subscription or an account id."""
    query = "SELECT 1 FROM outbox WHERE payload LIKE '%' || ?1 || '%'"
    eventually(lambda: not stack.d1(query, about), f"the outbox without rows about {about}")
