"""What every caller is told when a platform has no connected Stripe account."""

from __future__ import annotations

from dream.domain.keys import Mode
from dream.errors import Conflict


class StripeNotConnected(Conflict):
    """409: the developer has connected no Stripe account in this mode, or has disconnected it."""

    error = "Stripe not connected"
    code = "stripe_not_connected"

    def __init__(self, mode: Mode, reason: str = "") -> None:
        super().__init__(
            f"No Stripe account is connected in {mode} mode. The developer connects one in the dashboard.",
            reason=reason,
        )
