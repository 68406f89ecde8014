"""Brings a developer's platform to what Stripe says now of their subscription at dream-api: payment state, plan at Clerk, caches.

Events, the nightly check and a developer who comes back to pay all end here. A number is taken before each read, and a read is
stored only while none that began later has been.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dream.auth import project_keys
from dream.clients.stripe import platform_account
from dream.clients.stripe_http import StripeRefused
from dream.db import api_keys, platforms, subscription_syncs
from dream.domain.platform_billing import Platform, PlatformSubscription
from dream.domain.stripe_objects import StripeSubscription
from dream.runtime import checkpoints
from dream.runtime.bindings import Bound
from dream.runtime.context import Context
from dream.services.sync import Sync


@dataclass(frozen=True, slots=True)
class Reading:
    """A subscription as Stripe described it under a number, and the platform that it is of.

    `present` is the reading of the platform's present subscription, when that is another one which D1 believes to live.
    """

    number: int
    subscription: StripeSubscription
    platform: Platform
    present: Reading | None = None


async def read(context: Context, subscription_id: str) -> Reading | None:
    """The subscription as it is now; None when it is not a platform's."""
    reading = await _read(context, subscription_id)
    if reading is None or reading.platform.subscription_id in (None, subscription_id) or reading.platform.ended_at:
        return reading
    # Whether this one may take the present one's place depends on whether that still lives, which its event may not have told.
    return replace(reading, present=await _read(context, reading.platform.subscription_id or ""))


async def _read(context: Context, subscription_id: str) -> Reading | None:
    number = await subscription_syncs.issue(context.db, subscription_id)
    await checkpoints.reached("platform-subscription:numbered")
    account = platform_account(context, context.settings.platform_stripe_mode)
    try:
        subscription = await account.retrieve_subscription(subscription_id)
    except StripeRefused as refusal:
        if not refusal.is_missing:
            raise
        return None
    await checkpoints.reached("platform-subscription:read")
    platform = await _platform_of(context, subscription)
    return None if platform is None else Reading(number, subscription, platform)


async def sync(context: Context, subscription_id: str) -> Sync:
    """What has to be stored so that the platform of this subscription says what Stripe says."""
    reading = await read(context, subscription_id)
    return Sync([], "ignored", "not a platform's subscription") if reading is None else sync_of(context, reading)


def sync_of(context: Context, reading: Reading) -> Sync:
    """What has to be stored of a reading. After the commit every key of the platform is looked up anew, and Clerk is told."""
    platform_id = reading.platform.platform_id

    async def after_commit() -> None:
        publishable_keys, secret_key_hashes = await api_keys.names_of_platform(context.db, platform_id)
        await project_keys.forget(context, publishable_keys, secret_key_hashes)
        context.deliver_soon()

    return Sync(_statements(context, reading), "stored", after_commit=after_commit)


def _statements(context: Context, reading: Reading) -> list[Bound]:
    """One batch's worth: the platform's row, a line of the audit log, the plan at Clerk, the end of what is not wanted."""
    now = context.now()
    platform_id, subscription = reading.platform.platform_id, reading.subscription
    stored = PlatformSubscription.from_stripe(subscription, now)
    if not stored.counts:
        return []
    owed = {"mode": context.settings.platform_stripe_mode, "account": None, "subscriptionId": subscription.id}
    unwanted = platforms.owe_end_if_unwanted(platform_id, subscription.id, owed, now)
    return [
        *([] if reading.present is None else _statements(context, reading.present)),
        *([unwanted] if stored.ended_at is None else []),
        *platforms.store_subscription(platform_id, stored, reading.number, now),
        platforms.show_plan(platform_id, now),
        subscription_syncs.mark_applied(subscription.id, reading.number),
    ]


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
