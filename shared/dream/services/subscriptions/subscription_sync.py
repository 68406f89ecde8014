"""Brings a subscription's row to what Stripe says now. Events are only the hint that something changed.

A number is taken before each read, and a read is stored only while none that began later has been. What Stripe says of a second
subscription of the same user is never stored while the first lives: the second is owed to end instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dream.clients.stripe.account import connected_account
from dream.clients.stripe.http import StripeRefused
from dream.db import clerk_effects, subscription_syncs, subscriptions, tier_prices
from dream.domain.connected_account import ConnectedAccount
from dream.domain.subscriptions import PAST_DUE_GRACE_SECONDS, Owner, SubscriptionFacts
from dream.domain.timestamps import iso
from dream.runtime.bindings import Bound
from dream.runtime.context import Context
from dream.services.sync import Sync


@dataclass(frozen=True, slots=True)
class Reading:
    """What Stripe said under a number; `facts` is None when this account has no such subscription."""

    number: int
    facts: SubscriptionFacts | None
    owner: Owner | None
    row: Mapping[str, Any] | None


async def read(context: Context, account: ConnectedAccount, subscription_id: str) -> Reading:
    """The subscription as it is now. Raises StripeRefused when the account is disconnected."""
    number, row = await subscriptions.number_and_find(context.db, subscription_id)
    try:
        found = await connected_account(context, account.mode, account.account_id).retrieve_subscription(
            subscription_id
        )
    except StripeRefused as refusal:
        if not refusal.is_missing:
            raise
        return Reading(number, None, None, row)
    return Reading(number, SubscriptionFacts.from_stripe(found), Owner.from_metadata(found.metadata), row)


async def sync(
    context: Context, account: ConnectedAccount, owner: Owner, subscription_id: str, *, email: str | None = None
) -> Sync:
    """What has to be stored so that the user's row says what Stripe says. The account must be bound to the owner's project."""
    try:
        reading = await read(context, account, subscription_id)
        if reading.row is not None:
            return await _known(context, account, owner, reading, email)
        return await _unknown(context, account, owner, reading, subscription_id, email)
    except StripeRefused as refusal:
        if not refusal.is_disconnected:
            raise
        return Sync([], "ignored", "the account is disconnected", owner.publishable_key)


def statements(
    context: Context, account: ConnectedAccount, owner: Owner, reading: Reading, email: str | None = None
) -> list[Bound]:
    """One batch's worth: the row, the user's customer, the plan that Clerk shows, and the end of a second subscription."""
    facts, number, now = reading.facts, reading.number, context.now()
    if facts is None:
        if reading.row is None:
            return []
        facts = replace(SubscriptionFacts.from_row(reading.row), status="canceled", ended_at=now)
    past_due_after = iso(context.now_seconds() - PAST_DUE_GRACE_SECONDS)
    bound = [
        subscriptions.keep(owner, facts, number, now),
        subscriptions.remember_customer(owner, facts.subscription_id, email, now),
    ]
    if facts.is_live:
        bound.append(
            subscriptions.owe_end_if_second(owner, facts.subscription_id, account.mode, account.account_id, number, now)
        )
    return [
        *bound,
        clerk_effects.show_plan(owner.publishable_key, owner.user_id, past_due_after, now),
        subscription_syncs.mark_applied(facts.subscription_id, number),
    ]


async def _known(
    context: Context, account: ConnectedAccount, named: Owner, reading: Reading, email: str | None
) -> Sync:
    """A subscription stays with the user it was first stored for, whatever its metadata say now."""
    assert reading.row is not None
    if reading.row["publishableKey"] != named.publishable_key:
        return Sync([], "rejected", "the subscription is another project's")
    owner = Owner(named.publishable_key, reading.row["userId"])
    return _stored(context, owner, statements(context, account, owner, reading, email))


async def _unknown(
    context: Context, account: ConnectedAccount, owner: Owner, reading: Reading, subscription_id: str, email: str | None
) -> Sync:
    """A subscription that is not stored. What is left unstored still outdates the reads that began before."""
    facts, key = reading.facts, owner.publishable_key
    outdated = [subscription_syncs.mark_applied(subscription_id, reading.number)]
    if facts is None or reading.owner != owner:
        return Sync(outdated, "ignored", "no such subscription of ours at Stripe", key)
    present, tiers = await context.db.batch(
        [subscriptions.of_user(key, owner.user_id), tier_prices.tier_of_price(key, facts.price_id)]
    )
    if not tiers:
        return Sync(outdated, "ignored", "the price is no tier's of this project", key)
    if not facts.is_live:
        return Sync(outdated, "stored", "ended before it was known", key)
    first: list[Bound] = []
    if present and present[0]["endedAt"] is None and present[0]["subscriptionId"] != facts.subscription_id:
        other = await read(context, account, present[0]["subscriptionId"])
        first = statements(context, account, owner, other)
    return _stored(context, owner, [*first, *statements(context, account, owner, reading, email)])


def _stored(context: Context, owner: Owner, bound: list[Bound]) -> Sync:
    async def after_commit() -> None:
        context.deliver_soon()

    return Sync(bound, "stored", publishable_key=owner.publishable_key, after_commit=after_commit)
