"""What `invoice.*` events have in common: the invoice as it is now, its subscription, and a line of the audit log."""

from __future__ import annotations

from dream.clients.stripe import platform_account
from dream.db import audit_log
from dream.runtime.context import Context
from dream.webhooks.processing import Event, Handled, handled, ignored
from front_auth_api.services import platform_sync


async def recorded(context: Context, event: Event, action: str) -> Handled:
    """Store the invoice's subscription as it is now, and note what became of the invoice."""
    account = platform_account(context, context.settings.platform_stripe_mode)
    invoice = await account.retrieve_invoice(event.object["id"])
    if invoice.subscription_id is None:
        return ignored("not a subscription's invoice")
    reading = await platform_sync.read(context, invoice.subscription_id)
    if reading is None:
        return ignored("not a platform's subscription")
    details = {"invoiceId": invoice.id, "amountPaid": invoice.amount_paid, "currency": invoice.currency}
    entry = audit_log.record(reading.platform.platform_id, None, "stripe", action, details, context.now())
    return handled(platform_sync.sync_of(context, reading), [entry])
