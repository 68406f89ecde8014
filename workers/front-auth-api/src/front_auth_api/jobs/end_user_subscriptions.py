"""End users' subscriptions on connected accounts against D1: what no event told is put right, and said in the log."""

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
    """Accounts up to this one are done; of the one behind it, subscriptions up to `subscription_id`."""

    platform_id: str
    mode: str
    subscription_id: str | None

    @classmethod
    def of(cls, cursor: str) -> Position:
        return cls(*json.loads(cursor)) if cursor else cls("", "", None)

    def __str__(self) -> str:
        return json.dumps([self.platform_id, self.mode, self.subscription_id])


async def slice_(context: Context, cursor: str) -> Slice:
    """One page of one account's list."""
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
        context.log.warning("account can't be checked", account=account.account_id, reason=refusal.reason)
        return Slice(str(next_account), 0, 0)
    repaired = await _check(context, account, page)
    behind = Position(position.platform_id, position.mode, page[-1].id) if page and has_more else next_account
    return Slice(str(behind), len(page), repaired)


async def _check(context: Context, account: ConnectedAccount, page: list[StripeSubscription]) -> int:
    """How many of the subscriptions had to be put right."""
    found_here = await subscriptions.list_by_ids(context.db, [each.id for each in page])
    known = {each.facts.subscription_id: each for each in found_here}
    repaired = 0
    for subscription in page:
        named = Owner.from_metadata(subscription.metadata)
        here = known.get(subscription.id)
        if here is not None and subscription.status == "past_due":
            await _show_plan(context, here.owner)
        found = SubscriptionFacts.from_stripe(subscription)
        if named is None or (here is None and not found.is_live):
            continue
        if here is None or _differs(here.facts, found):
            status_here = "none" if here is None else here.facts.status
            repaired += await _repair(context, account, named, subscription, status_here)
    return repaired


def _differs(here: SubscriptionFacts, there: SubscriptionFacts) -> bool:
    """An ended subscription stays as it ended, whatever is said of it afterwards."""
    return here.is_live and here != there


async def _repair(
    context: Context, account: ConnectedAccount, named: Owner, subscription: StripeSubscription, here: str
) -> int:
    """As an event would have, had it come."""
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
        here=here,
        atStripe=subscription.status,
    )
    return 1


async def _show_plan(context: Context, owner: Owner) -> None:
    """Time alone ends what a past due subscription entitles to, and no event says so to Clerk."""
    await context.db.batch([clerk_effects.show_plan(owner.publishable_key, owner.user_id, context.now())])
