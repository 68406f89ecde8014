"""Compares developers' subscriptions at Stripe with D1 every night. Repairs and logs a difference that no event repaired."""

from __future__ import annotations

from dream.clients.stripe.account import platform_account
from dream.db import platforms
from dream.domain.platform_billing import OVERDUE_STATUSES, Platform, PlatformSubscription
from dream.domain.stripe.subscription import StripeSubscription
from dream.runtime.context import Context
from dream.services.sync import commit
from front_auth_api.jobs.nightly import Slice
from front_auth_api.services import platform_sync

NAME = "platform_subscriptions"


async def slice_(context: Context, cursor: str) -> Slice:
    """One page of Stripe's list, newest first. The cursor is the id of the last subscription of the page before."""
    account = platform_account(context, context.settings.platform_stripe_mode)
    page, has_more = await account.list_subscriptions(starting_after=cursor or None)
    found = await platforms.list_by_ids(context.db, [each.metadata.get("platformId", "") for each in page])
    known = {platform.platform_id: platform for platform in found}
    repaired = 0
    for subscription in page:
        platform = known.get(subscription.metadata.get("platformId", ""))
        if platform is None:
            continue
        if subscription.status in OVERDUE_STATUSES:
            # The grace time ends without an event, so Clerk learns of it here.
            await context.db.batch([platforms.enqueue_plan(platform.platform_id, context.now())])
        if _differs(platform, PlatformSubscription.from_stripe(subscription, context.now())):
            repaired += await _repair(context, subscription, platform)
    return Slice(page[-1].id if page and has_more else None, len(page), repaired)


async def _repair(context: Context, subscription: StripeSubscription, platform: Platform) -> int:
    """Reads the subscription again and stores it, because an event may have changed it since this page was read. Returns 1 or 0."""
    reading = await platform_sync.read(context, subscription.id)
    if reading is None:
        return 0
    context.log.warning(
        "platform subscription drifted",
        platformId=platform.platform_id,
        subscriptionId=subscription.id,
        inD1=platform.subscription_status,
        atStripe=subscription.status,
    )
    await commit(context, platform_sync.sync_of(context, reading))
    return 1


def _differs(platform: Platform, found: PlatformSubscription) -> bool:
    """Whether D1 differs from Stripe. D1 has only the last subscription of a platform, so earlier ones never differ."""
    if not found.was_ever_paid:
        return False
    if platform.subscription_id != found.id:
        return found.ended_at is None
    if platform.ended_at is not None and found.ended_at is not None:
        return False
    in_d1 = (
        platform.subscription_status,
        platform.stripe_customer_id,
        platform.current_period_start,
        platform.current_period_end,
        platform.cancel_at_period_end,
        platform.cancel_at,
        platform.ended_at,
    )
    at_stripe = (
        found.status,
        found.customer_id,
        found.current_period_start,
        found.current_period_end,
        found.cancel_at_period_end,
        found.cancel_at,
        found.ended_at,
    )
    return in_d1 != at_stripe
