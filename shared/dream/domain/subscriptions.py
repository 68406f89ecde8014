"""When a subscription entitles, and for how long an unpaid one still does."""

from __future__ import annotations

PAST_DUE_GRACE_SECONDS = 7 * 24 * 3600
"""How long a `past_due` subscription keeps its plan while Stripe retries the payment."""
