"""Compares end users' subscriptions on connected accounts with D1 every night. Repairs and logs differences.

It also enqueues the plan of each past due subscription for Clerk: no event says that its grace time has ended.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from dream.clients.stripe.account import connected_account
from dream.clients.stripe.http import StripeRefused
from dream.db import clerk_effects, connected_accounts, subscriptions
from dream.domain.connected_account import ConnectedAccount
from dream.domain.stripe.subscription import StripeSubscription
from dream.domain.subscriptions import Owner, SubscriptionFacts
from dream.runtime.context import Context
from dream.services.subscriptions import subscription_sync
from dream.services.sync import commit
from front_auth_api.jobs.nightly import Slice

NAME = "end_user_subscriptions"


@dataclass(frozen=True, slots=True)
class Position:
    """The accounts up to this one are done. Of the next account, the subscriptions up to `subscription_id` are done."""

    platform_id: str
    mode: str
    subscription_id: str | None

    @classmethod
    def of(cls, cursor: str) -> Position:
        return cls(*json.loads(cursor)) if cursor else cls("", "", None)

    def __str__(self) -> str:
        return json.dumps([self.platform_id, self.mode, self.subscription_id])


async def slice_(context: Context, cursor: str) -> Slice:
    """One page of the subscriptions of one connected account."""
    position = Position.of(cursor)
    accounts = await connected_accounts.list_connected(context.db, (position.platform_id, position.mode), 1)
    if not accounts:
        return Slice(None, 0, 0)
    account = accounts[0]
    next_account = Position(account.platform_id, account.mode, None)
    try:
        page, has_more = await connected_account(context, account.mode, account.account_id).list_subscriptions(
            starting_after=position.subscription_id
        )
    except StripeRefused as refusal:
        context.log.warning("connected account not checked", account=account.account_id, reason=refusal.reason)
        return Slice(str(next_account), 0, 0)
    repaired = await _check(context, account, page)
    next_position = Position(position.platform_id, position.mode, page[-1].id) if page and has_more else next_account
    return Slice(str(next_position), len(page), repaired)


async def _check(context: Context, account: ConnectedAccount, page: list[StripeSubscription]) -> int:
    """Repairs the subscriptions of a page that differ from D1. Returns how many."""
    stored = await subscriptions.list_by_ids(context.db, [each.id for each in page])
    known = {each.facts.subscription_id: each for each in stored}
    repaired = 0
    for subscription in page:
        named = Owner.from_metadata(subscription.metadata)
        in_d1 = known.get(subscription.id)
        if in_d1 is not None and subscription.status == "past_due":
            await _show_plan(context, in_d1.owner)
        found = SubscriptionFacts.from_stripe(subscription)
        if named is None or (in_d1 is None and not found.is_live):
            continue
        if in_d1 is None or _differs(in_d1.facts, found):
            status_in_d1 = "none" if in_d1 is None else in_d1.facts.status
            repaired += await _repair(context, account, named, subscription, status_in_d1)
    return repaired


def _differs(in_d1: SubscriptionFacts, at_stripe: SubscriptionFacts) -> bool:
    """Whether D1 differs from Stripe. A subscription that has ended in D1 never changes again."""
    return in_d1.is_live and in_d1 != at_stripe


async def _repair(
    context: Context, account: ConnectedAccount, named: Owner, subscription: StripeSubscription, status_in_d1: str
) -> int:
    """Does what the missed event would have done. Returns 1 if it repaired the subscription, or 0."""
    of_project = await connected_accounts.find_for_project(
        context.db, account.account_id, account.mode, named.publishable_key
    )
    if of_project is None:
        return 0
    if not await commit(context, await subscription_sync.sync(context, account, named, subscription.id)):
        return 0
    context.log.warning(
        "subscription drifted",
        publishableKey=named.publishable_key,
        subscriptionId=subscription.id,
        inD1=status_in_d1,
        atStripe=subscription.status,
    )
    return 1


async def _show_plan(context: Context, owner: Owner) -> None:
    """The grace time of a past due subscription ends without an event, so Clerk learns of the plan here."""
    await context.db.batch([clerk_effects.show_plan(owner.publishable_key, owner.user_id, context.now())])
