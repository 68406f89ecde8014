"""What the outbox still holds for Stripe and Clerk, and waiting until it holds nothing."""

from __future__ import annotations

from typing import Any

from tests.support.stack import Stack
from tests.support.waiting import eventually


def enqueued(stack: Stack, about: str) -> list[dict[str, Any]]:
    """The rows of the outbox that mention `about`: a user, a subscription or an account id."""
    return stack.d1("SELECT * FROM outbox WHERE payload LIKE '%' || ?1 || '%'", about)


def settled(stack: Stack, about: str) -> None:
    """Returns when no row of the outbox mentions `about`: a user, a subscription or an account id."""
    eventually(lambda: not enqueued(stack, about), f"the outbox without rows about {about}")
