"""Effects of the outbox on connected accounts at Stripe. An effect is done if Stripe has the state already.

Payloads have `mode`, `account` and the id of the object: `productId`, `priceId`, `subscriptionId` or `sessionId`. Effects on a
disconnected account count as done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from dream.clients.stripe import connect as stripe_connect
from dream.clients.stripe.account import StripeAccount, connected_account
from dream.clients.stripe.http import StripeRefused
from dream.db import outbox, stripe_tokens
from dream.domain.keys import Mode
from dream.domain.stripe.checkout_session import CheckoutSession
from dream.domain.subscriptions import ENDED_STATUSES
from dream.runtime.bindings import Bound
from dream.runtime.context import Context
from dream.services.outbox.runner import Effect

Payload: TypeAlias = Mapping[str, Any]


def revoke_connection(mode: Mode, account: str, now: str) -> Bound:
    """Enqueues: the platform gives up its access to the account in this mode."""
    return outbox.enqueue("revoke_connection", f"{account}:{mode}", {"mode": mode, "account": account}, now)


def cancel_revocation(mode: Mode, account: str) -> Bound:
    """Removes a revocation that has not taken place: the account was connected again."""
    return outbox.cancel("revoke_connection", f"{account}:{mode}")


async def expire_if_open(account: StripeAccount, session_id: str) -> CheckoutSession | None:
    """Expires the session. None if it was paid or has expired already."""
    try:
        return await account.expire_checkout(session_id)
    except StripeRefused as refusal:
        if refusal.is_disconnected:
            raise
        return None


async def _archive_product(account: StripeAccount, payload: Payload) -> None:
    await account.update_product(payload["productId"], active=False)


async def _describe_product(account: StripeAccount, payload: Payload) -> None:
    """Shows on the product what the tier shows. `db.tiers` enqueues it."""
    await account.update_product(
        payload["productId"], name=payload["name"], description=payload["description"], image_url=payload["imageUrl"]
    )


async def _archive_price(account: StripeAccount, payload: Payload) -> None:
    await account.update_price(payload["priceId"], active=False)


async def _cancel_subscription(account: StripeAccount, payload: Payload) -> None:
    await account.cancel_subscription(payload["subscriptionId"])


async def _expire_session(account: StripeAccount, payload: Payload) -> None:
    await expire_if_open(account, payload["sessionId"])


async def _end_second_subscription(account: StripeAccount, payload: Payload) -> None:
    """Refunds the latest invoice, then cancels. In this order, because a subscription that has ended is left alone."""
    subscription = await account.retrieve_subscription(payload["subscriptionId"])
    if subscription.status in ENDED_STATUSES:
        return
    if subscription.latest_invoice_id is not None:
        await _refund(account, subscription.latest_invoice_id)
    await account.cancel_subscription(subscription.id)


async def _refund(account: StripeAccount, invoice_id: str) -> None:
    for payment in await account.list_invoice_payments(invoice_id=invoice_id):
        if payment.payment_intent_id is None or payment.status != "paid":
            continue
        try:
            await account.create_refund(
                payment.payment_intent_id,
                metadata={"reason": "second_subscription"},
                idempotency_key=f"refund:{invoice_id}:{payment.id}",
            )
        except StripeRefused as refusal:
            if refusal.stripe_code != "charge_already_refunded":
                raise


async def _revoke_connection(context: Context, payload: Payload) -> None:
    if await stripe_tokens.is_connected(context.db, payload["account"], payload["mode"]):
        return  # It was connected again after this was enqueued.
    await stripe_connect.deauthorize(context, payload["mode"], payload["account"])


def _on_account(change: Callable[[StripeAccount, Payload], Awaitable[None]]) -> Effect:
    async def effect(context: Context, payload: Payload) -> None:
        try:
            await change(connected_account(context, payload["mode"], payload["account"]), payload)
        except StripeRefused as refusal:
            if not refusal.is_missing and not refusal.is_disconnected:
                raise
            context.log.info("effect not needed any more", account=payload["account"], reason=refusal.reason)

    return effect


EFFECTS: Mapping[str, Effect] = {
    "archive_product": _on_account(_archive_product),
    "archive_price": _on_account(_archive_price),
    "describe_product": _on_account(_describe_product),
    "cancel_subscription": _on_account(_cancel_subscription),
    "expire_session": _on_account(_expire_session),
    "end_second_subscription": _on_account(_end_second_subscription),
    "revoke_connection": _revoke_connection,
}
