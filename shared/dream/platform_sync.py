"""Brings a developer's platform to what Stripe says now of their subscription at dream-api: payment state, plan at Clerk, caches.

Events, the nightly check and a developer who comes back to pay all end here. A number is taken before each read, and a read is
stored only while none that began later has been.
"""

from __future__ import annotations

from dataclasses import dataclass

from dream import hooks
from dream.auth import project_keys
from dream.bindings import Bound
from dream.clients.stripe import platform_account
from dream.clients.stripe_http import StripeRefused
from dream.context import Context
from dream.db import api_keys, platforms, subscription_syncs
from dream.domain.platform_billing import Platform, PlatformSubscription
from dream.domain.stripe_objects import StripeSubscription
from dream.effects import delivery


@dataclass(frozen=True, slots=True)
class Reading:
    """A subscription as Stripe described it under a number, and the platform that it is of."""

    number: int
    subscription: StripeSubscription
    platform: Platform


async def read(context: Context, subscription_id: str) -> Reading | None:
    """The subscription as it is now; None when it is not a platform's."""
    number = await subscription_syncs.issue(context.db, subscription_id)
    await hooks.checkpoint("platform-subscription:numbered")
    account = platform_account(context, context.settings.platform_stripe_mode)
    try:
        subscription = await account.retrieve_subscription(subscription_id)
    except StripeRefused as refusal:
        if not refusal.is_missing:
            raise
        return None
    await hooks.checkpoint("platform-subscription:read")
    platform = await _platform_of(context, subscription)
    return None if platform is None else Reading(number, subscription, platform)


def statements(context: Context, reading: Reading) -> list[Bound]:
    """One batch's worth: the platform's row, a line of the audit log, the plan at Clerk, the end of what is not wanted."""
    now = context.now()
    platform_id, subscription = reading.platform.platform_id, reading.subscription
    stored = PlatformSubscription.from_stripe(subscription, now)
    if not stored.counts:
        return []
    unwanted = [] if stored.ended_at is not None else _owe_if_unwanted(context, reading, now)
    return [
        *unwanted,
        *platforms.store_subscription(platform_id, stored, reading.number, now),
        platforms.show_plan(platform_id, now),
        subscription_syncs.mark_applied(subscription.id, reading.number),
    ]


async def apply(context: Context, reading: Reading) -> None:
    """Store the reading outside of an event's batch."""
    bound = statements(context, reading)
    if bound:
        await context.db.batch(bound)
        await made_known(context, reading.platform.platform_id)


async def made_known(context: Context, platform_id: str) -> None:
    """What follows the batch: every key of the platform is looked up anew, and Clerk is told."""
    publishable_keys, secret_key_hashes = await api_keys.names_of_platform(context.db, platform_id)
    await project_keys.forget(context, publishable_keys, secret_key_hashes)
    delivery.soon(context)


async def _platform_of(context: Context, subscription: StripeSubscription) -> Platform | None:
    """By the metadata that our checkout wrote; without them by the customer, if the subscription sells our plan."""
    platform_id = subscription.metadata.get("platformId")
    if platform_id:
        row = await platforms.find(context.db, platform_id)
    elif subscription.price_id == context.settings.platform_price_id:
        row = await platforms.find_by_customer(context.db, subscription.customer_id)
    else:
        row = None
    return None if row is None else Platform.from_row(row)


def _owe_if_unwanted(context: Context, reading: Reading, now: str) -> list[Bound]:
    """Nobody pays twice, or for an account that is gone: such a subscription ends, and what it took goes back."""
    platform_id, subscription = reading.platform.platform_id, reading.subscription
    on_account = {"mode": context.settings.platform_stripe_mode, "account": None}
    owed = [("cancel_subscription", subscription.id, {**on_account, "subscriptionId": subscription.id})]
    if subscription.latest_invoice_id is not None:
        invoice_id = subscription.latest_invoice_id
        owed.append(("refund_invoice", invoice_id, {**on_account, "invoiceId": invoice_id}))
    return [
        platforms.owe_if_unwanted(platform_id, subscription.id, kind, subject, payload, now)
        for kind, subject, payload in owed
    ]
