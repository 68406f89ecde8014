"""What all `invoice.*` events do: they store the subscription of the invoice, and record the invoice in the audit log."""

from __future__ import annotations

from dream.clients.stripe.account import platform_account
from dream.db import audit_log
from dream.runtime.context import Context
from dream.webhooks.processing import Event, Handled, handled, ignored
from front_auth_api.services import platform_sync


async def record_invoice(context: Context, event: Event, action: str) -> Handled:
    """Stores the subscription as it is now, and adds an audit entry with the invoice as it is now."""
    account = platform_account(context, context.settings.platform_stripe_mode)
    invoice = await account.retrieve_invoice(event.object["id"])
    if invoice.subscription_id is None:
        return ignored("not the invoice of a subscription")
    reading = await platform_sync.read(context, invoice.subscription_id)
    if reading is None:
        return ignored("not the subscription of a platform")
    details = {"invoiceId": invoice.id, "amountPaid": invoice.amount_paid, "currency": invoice.currency}
    entry = audit_log.record(reading.platform.platform_id, None, "stripe", action, details, context.now())
    return handled(platform_sync.sync_of(context, reading), [entry])
