"""Stores a developer's subscription as Stripe has it now, enqueues the plan for Clerk, and drops the key caches.

Events, the nightly job and `POST /create-checkout` all use it. Each read of a subscription gets a number before it begins. A read is
stored only if no read with a higher number has been stored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dream.auth import project_keys
from dream.clients.stripe.account import platform_account
from dream.clients.stripe.http import StripeRefused
from dream.db import api_keys, platforms, subscription_syncs
from dream.domain.platform_billing import Platform, PlatformSubscription
from dream.domain.stripe.subscription import StripeSubscription
from dream.runtime import checkpoints
from dream.runtime.bindings import Bound
from dream.runtime.context import Context
from dream.services.sync import Sync


@dataclass(frozen=True, slots=True)
class Reading:
    """A numbered read of a subscription, and the platform that it belongs to.

    `current` is a read of the platform's current subscription, if that is another one that has not ended in D1.
    """

    number: int
    subscription: StripeSubscription
    platform: Platform
    current: Reading | None = None


async def read(context: Context, subscription_id: str) -> Reading | None:
    """Reads the subscription from Stripe. None if it does not belong to a platform."""
    reading = await _read(context, subscription_id)
    if reading is None or reading.platform.subscription_id in (None, subscription_id) or reading.platform.ended_at:
        return reading
    # This subscription replaces the current one only if that has ended. Its event may be late, so it is read too.
    return replace(reading, current=await _read(context, reading.platform.subscription_id or ""))


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
    """Reads the subscription and returns the statements that store it."""
    reading = await read(context, subscription_id)
    return Sync([], "ignored", "not the subscription of a platform") if reading is None else sync_of(context, reading)


def sync_of(context: Context, reading: Reading) -> Sync:
    """The statements that store a reading. After the commit, drops all keys of the platform from the caches and delivers the plan."""
    platform_id = reading.platform.platform_id

    async def after_commit() -> None:
        keys = await api_keys.keys_of_platform(context.db, platform_id)
        await project_keys.forget(context, keys.publishable_keys, keys.secret_key_hashes)
        context.deliver_soon()

    return Sync(_statements(context, reading), "stored", after_commit=after_commit)


def _statements(context: Context, reading: Reading) -> list[Bound]:
    """The platform's row, an audit entry, the plan for Clerk, and the end of a second subscription. All go into one batch."""
    now = context.now()
    platform_id, subscription = reading.platform.platform_id, reading.subscription
    stored = PlatformSubscription.from_stripe(subscription, now)
    if not stored.was_ever_paid:
        return []
    payload = {"mode": context.settings.platform_stripe_mode, "account": None, "subscriptionId": subscription.id}
    end_if_unwanted = platforms.enqueue_ending_if_unwanted(platform_id, subscription.id, payload, now)
    return [
        *([] if reading.current is None else _statements(context, reading.current)),
        *([end_if_unwanted] if stored.ended_at is None else []),
        *platforms.store_subscription(platform_id, stored, reading.number, now),
        platforms.enqueue_plan(platform_id, now),
        subscription_syncs.mark_applied(subscription.id, reading.number),
    ]


async def _platform_of(context: Context, subscription: StripeSubscription) -> Platform | None:
    """Finds it by the metadata that `POST /create-checkout` wrote, or by the customer if the price is that of the paid plan."""
    platform_id = subscription.metadata.get("platformId")
    if platform_id:
        return await platforms.find(context.db, platform_id)
    if subscription.price_id == context.settings.platform_price_id:
        return await platforms.find_by_customer(context.db, subscription.customer_id)
    return None
