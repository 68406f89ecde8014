"""What all events about charges do: they record the charge in the audit log. Only the subscription changes a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dream.db import audit_log, platforms
from dream.domain.stripe.charge import StripeCharge
from dream.runtime.context import Context
from dream.webhooks.processing import Handled, ignored


async def record_charge(context: Context, charge: StripeCharge, action: str, details: Mapping[str, Any]) -> Handled:
    """Adds an audit entry to the platform (a developer) whose customer was charged."""
    platform = None if charge.customer_id is None else await platforms.find_by_customer(context.db, charge.customer_id)
    if platform is None:
        return ignored("not a platform's charge")
    entry = audit_log.record(
        platform.platform_id, None, "stripe", action, {"chargeId": charge.id, **details}, context.now()
    )
    return Handled([entry])
