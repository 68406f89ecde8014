"""What events about charges have in common: they are noted with the platform that paid. Access follows the subscription alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dream.db import audit_log, platforms
from dream.domain.stripe_objects import StripeCharge
from dream.runtime.context import Context
from dream.webhooks.processing import Handled, ignored


async def noted(context: Context, charge: StripeCharge, action: str, details: Mapping[str, Any]) -> Handled:
    """A line of the audit log of the platform whose customer was charged."""
    row = None if charge.customer_id is None else await platforms.find_by_customer(context.db, charge.customer_id)
    if row is None:
        return ignored("not a platform's charge")
    entry = audit_log.record(
        row["platformId"], None, "stripe", action, {"chargeId": charge.id, **details}, context.now()
    )
    return Handled([entry])
