"""Events of dream-api's own Stripe account, which developers pay: one module per event, named as Stripe names it."""

from __future__ import annotations

from collections.abc import Mapping

from dream.webhooks.processing import EventHandler
from front_auth_api.stripe_events import (
    charge_dispute_created,
    charge_refunded,
    checkout_session_completed,
    customer_deleted,
    customer_subscription,
    invoice_paid,
    invoice_payment_failed,
)

HANDLERS: Mapping[str, EventHandler] = {
    "checkout.session.completed": checkout_session_completed.completed,
    "checkout.session.async_payment_succeeded": checkout_session_completed.completed,
    "checkout.session.async_payment_failed": checkout_session_completed.completed,
    "customer.subscription.created": customer_subscription.changed,
    "customer.subscription.updated": customer_subscription.changed,
    "customer.subscription.deleted": customer_subscription.changed,
    "customer.subscription.paused": customer_subscription.changed,
    "customer.subscription.resumed": customer_subscription.changed,
    "customer.deleted": customer_deleted.deleted,
    "invoice.paid": invoice_paid.paid,
    "invoice.payment_failed": invoice_payment_failed.failed,
    "invoice.payment_action_required": invoice_payment_failed.failed,
    "charge.refunded": charge_refunded.refunded,
    "charge.dispute.created": charge_dispute_created.created,
}
