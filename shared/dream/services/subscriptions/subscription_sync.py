"""Stores what Stripe says now about a subscription. An event only tells that something changed.

Each read at Stripe takes a number before it begins, and is stored only if no read that began later was stored. A second subscription
of the same user is never stored while the first is live: the outbox ends it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dream.clients.stripe.account import connected_account
from dream.clients.stripe.http import StripeRefused
from dream.db import clerk_effects, subscription_syncs, subscriptions
from dream.db.subscriptions import StoredSubscription
from dream.domain.connected_account import ConnectedAccount
from dream.domain.subscriptions import Owner, SubscriptionFacts
from dream.runtime.bindings import Bound
from dream.runtime.context import Context
from dream.services.sync import Sync


@dataclass(frozen=True, slots=True)
class SubscriptionRead:
    """A read at Stripe, with its number, and the subscription as D1 had it before.

    `facts` is None if this account has no such subscription. `owner` is the one in the metadata at Stripe.
    """

    number: int
    facts: SubscriptionFacts | None
    owner: Owner | None
    stored: StoredSubscription | None


async def read(context: Context, account: ConnectedAccount, subscription_id: str) -> SubscriptionRead:
    """Reads the subscription at Stripe. Raises StripeRefused if the account is disconnected."""
    number, stored = await subscriptions.issue_number_and_find(context.db, subscription_id)
    try:
        found = await connected_account(context, account.mode, account.account_id).retrieve_subscription(
            subscription_id
        )
    except StripeRefused as refusal:
        if not refusal.is_missing:
            raise
        return SubscriptionRead(number, None, None, stored)
    return SubscriptionRead(number, SubscriptionFacts.from_stripe(found), Owner.from_metadata(found.metadata), stored)


async def sync(
    context: Context, account: ConnectedAccount, owner: Owner, subscription_id: str, *, email: str | None = None
) -> Sync:
    """The statements that store what Stripe says now. The caller has checked that the account may act for the owner's project."""
    try:
        found = await read(context, account, subscription_id)
        if found.stored is not None:
            return await _sync_stored(context, account, owner, found, found.stored, email)
        return await _sync_unknown(context, account, owner, found, subscription_id, email)
    except StripeRefused as refusal:
        if not refusal.is_disconnected:
            raise
        return Sync([], "ignored", "the account is disconnected", owner.publishable_key)


def statements(
    context: Context, account: ConnectedAccount, owner: Owner, found: SubscriptionRead, email: str | None = None
) -> list[Bound]:
    """The statements of one batch: the subscription, the user's customer, the plan at Clerk, and the end of a second subscription."""
    facts, number, now = found.facts, found.number, context.now()
    if facts is None:
        if found.stored is None:
            return []
        facts = replace(found.stored.facts, status="canceled", ended_at=now)
    store = [
        subscriptions.upsert(owner, facts, number, now),
        subscriptions.set_customer(owner, facts.subscription_id, email, now),
    ]
    if facts.is_live:
        store.append(
            subscriptions.enqueue_ending_if_second(
                owner, facts.subscription_id, account.mode, account.account_id, number, now
            )
        )
    return [
        *store,
        clerk_effects.show_plan(owner.publishable_key, owner.user_id, now),
        subscription_syncs.mark_applied(facts.subscription_id, number),
    ]


async def _sync_stored(
    context: Context,
    account: ConnectedAccount,
    named: Owner,
    found: SubscriptionRead,
    stored: StoredSubscription,
    email: str | None,
) -> Sync:
    """A subscription stays with the user it was first stored for, whatever its metadata say now."""
    if stored.owner.publishable_key != named.publishable_key:
        return Sync([], "rejected", "the subscription belongs to another project")
    return _to_store(context, stored.owner, statements(context, account, stored.owner, found, email))


async def _sync_unknown(
    context: Context,
    account: ConnectedAccount,
    owner: Owner,
    found: SubscriptionRead,
    subscription_id: str,
    email: str | None,
) -> Sync:
    """A subscription that D1 does not have. A read that is not stored still outdates the reads that began before it."""
    facts, key = found.facts, owner.publishable_key
    outdate = [subscription_syncs.mark_applied(subscription_id, found.number)]
    if facts is None or found.owner != owner:
        return Sync(outdate, "ignored", "Stripe has no such subscription of this user", key)
    present, tier = await subscriptions.find_with_tier_of_price(context.db, owner, facts.price_id)
    if tier is None:
        return Sync(outdate, "ignored", "the price belongs to no tier of this project", key)
    if not facts.is_live:
        return Sync(outdate, "stored", "the subscription ended before it was stored", key)
    first: list[Bound] = []
    if present is not None and present.facts.is_live and present.facts.subscription_id != facts.subscription_id:
        other = await read(context, account, present.facts.subscription_id)
        first = statements(context, account, owner, other)
    return _to_store(context, owner, [*first, *statements(context, account, owner, found, email)])


def _to_store(context: Context, owner: Owner, batch: list[Bound]) -> Sync:
    async def after_commit() -> None:
        context.deliver_soon()

    return Sync(batch, "stored", publishable_key=owner.publishable_key, after_commit=after_commit)
