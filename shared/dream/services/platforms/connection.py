"""The error for requests that need a connected Stripe account when the platform has none."""

from __future__ import annotations

from dream.domain.keys import Mode
from dream.errors import Conflict


class StripeNotConnected(Conflict):
    """409: the platform has no connected Stripe account in this mode."""

    error = "Stripe not connected"
    code = "stripe_not_connected"

    def __init__(self, mode: Mode, reason: str = "") -> None:
        super().__init__(
            f"No Stripe account is connected in {mode} mode. Connect one in the dashboard.",
            reason=reason,
        )
