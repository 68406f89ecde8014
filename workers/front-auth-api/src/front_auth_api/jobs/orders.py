"""Orders that no event settled in time."""

from __future__ import annotations

from dream.runtime.context import Context
from front_auth_api.services import order_reconciliation


async def settle(context: Context) -> None:
    """Ask Stripe about a bounded number of them."""
    await order_reconciliation.sweep(context)
