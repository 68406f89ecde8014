"""Waiting until nothing is owed to Stripe and Clerk any more."""

from __future__ import annotations

import time

from tests.support.stack import Stack

PATIENCE_SECONDS = 30.0


def settled(stack: Stack, about: str) -> None:
    """Wait until no row of the outbox mentions `about`: a user, a subscription, an account. Most are tried at once."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while owed := stack.d1("SELECT * FROM outbox WHERE payload LIKE '%' || ?1 || '%'", about):
        assert time.monotonic() < deadline, owed
        time.sleep(0.05)
