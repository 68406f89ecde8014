"""Orders that no event settled in time."""

from __future__ import annotations

from dream import order_sweep
from dream.context import Context


async def settle(context: Context) -> None:
    """Ask Stripe about a bounded number of them."""
    await order_sweep.sweep(context)
