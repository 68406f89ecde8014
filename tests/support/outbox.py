"""What the outbox still holds for Stripe and Clerk, and waiting until it holds nothing."""

from __future__ import annotations

import time
from typing import Any

from tests.support.stack import Stack

PATIENCE_SECONDS = 30.0


def enqueued(stack: Stack, about: str) -> list[dict[str, Any]]:
    """The rows of the outbox that mention `about`: a user, a subscription, an account."""
    return stack.d1("SELECT * FROM outbox WHERE payload LIKE '%' || ?1 || '%'", about)


def settled(stack: Stack, about: str) -> None:
    """Wait until no row of the outbox mentions `about`: a user, a subscription, an account. Most are tried at once."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while rows := enqueued(stack, about):
        assert time.monotonic() < deadline, rows
        time.sleep(0.05)
