"""`charge.refunded`: a payment of a developer was refunded, in full or in part."""

from __future__ import annotations

from dream.clients.stripe.account import platform_account
from dream.runtime.context import Context
from dream.webhooks.processing import Event, Handled
from front_auth_api.stripe_events.platform_charge import record_charge


async def refunded(context: Context, event: Event) -> Handled:
    account = platform_account(context, context.settings.platform_stripe_mode)
    charge = await account.retrieve_charge(event.object["id"])
    details = {"amountRefunded": charge.amount_refunded, "currency": charge.currency}
    return await record_charge(context, charge, "payment.refunded", details)
