"""`POST /webhook/stripe`: events of connected accounts. Each is verified over its raw bytes and handled once."""

from __future__ import annotations

import time
from collections.abc import Mapping

from api_multi.stripe_events import (
    account_application_deauthorized,
    charge_dispute_created,
    charge_refunded,
    checkout_session_async_payment_failed,
    checkout_session_async_payment_succeeded,
    checkout_session_completed,
    checkout_session_expired,
    customer_subscription,
    invoice_paid,
    invoice_payment_failed,
)
from dream.auth.principal import Nobody
from dream.domain.stripe.event import StripeEvent
from dream.http.request import Request
from dream.http.response import Response
from dream.runtime.context import Context
from dream.webhooks.processing import WEBHOOK_CAP_BYTES, Event, EventHandler, process
from dream.webhooks.stripe_signature import SigningSecret, verified_event

HANDLERS: Mapping[str, EventHandler] = {
    "account.application.deauthorized": account_application_deauthorized.deauthorized,
    "charge.dispute.created": charge_dispute_created.disputed,
    "charge.refunded": charge_refunded.refunded,
    "checkout.session.async_payment_failed": checkout_session_async_payment_failed.async_payment_failed,
    "checkout.session.async_payment_succeeded": checkout_session_async_payment_succeeded.async_payment_succeeded,
    "checkout.session.completed": checkout_session_completed.completed,
    "checkout.session.expired": checkout_session_expired.expired,
    "customer.subscription.created": customer_subscription.changed,
    "customer.subscription.updated": customer_subscription.changed,
    "customer.subscription.deleted": customer_subscription.changed,
    "invoice.paid": invoice_paid.paid,
    "invoice.payment_failed": invoice_payment_failed.payment_failed,
}


async def receive(context: Context, request: Request, caller: Nobody) -> Response:
    """Handles one event. Stripe signs with the real time, so the signature is checked by the real clock, not by `context.now`."""
    body = await request.body(WEBHOOK_CAP_BYTES)
    event = verified_event(body, request.headers.get("stripe-signature"), _secrets(context), time.time())
    return await process(context, _event(event, body), HANDLERS)


def _event(event: StripeEvent, body: bytes) -> Event:
    return Event(
        id=event.id,
        source="stripe_connect",
        type=event.type,
        account=event.account,
        livemode=event.livemode,
        created_at=event.created,
        object=event.object,
        payload=body.decode(errors="replace"),
    )


def _secrets(context: Context) -> list[SigningSecret]:
    settings = context.settings
    return [
        SigningSecret(settings.text("STRIPE_WEBHOOK_SECRET_CONNECT_TEST"), livemode=False),
        SigningSecret(settings.text("STRIPE_WEBHOOK_SECRET_CONNECT_LIVE"), livemode=True),
    ]
