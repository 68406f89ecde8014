"""`subscriptions`: what Stripe said about each end user's subscription when it was read last.

The statements that store a read go into one batch. Their conditions hold the guarantees: a read is stored only if no read that began
later was stored, a live subscription is never replaced by another one, and an ended subscription never comes back to life.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from dream.db import subscription_syncs, tier_prices
from dream.db.outbox import insert_effects
from dream.db.subscription_syncs import IS_NEWEST
from dream.domain.subscriptions import Owner, SubscriptionFacts
from dream.runtime.bindings import Bound, Database, Row, Sql

_COLUMNS = """
subscriptionId, publishableKey, userId, stripeCustomerId, status, plan, priceId, productId, amount, currency, monthlyAmount,
  currentPeriodStart, currentPeriodEnd, cancelAtPeriodEnd, cancelAt, canceledAt, endedAt, pastDueSince, createdAt
"""

# Finds the user's subscription: the live one, else the last one that ended.
FIND_OF_USER = Sql(f"SELECT {_COLUMNS} FROM subscriptions WHERE publishableKey = ?1 AND userId = ?2")

# Finds a subscription by Stripe's id. It has no publishableKey in WHERE: the id identifies the project. Callers check that the
# account may act for that project.
FIND_BY_ID = Sql(f"SELECT {_COLUMNS} FROM subscriptions WHERE subscriptionId = ?1")

# Stores a read. A subscription that D1 does not have is inserted only if it is live, its price is of a tier of the project, and the
# outbox is not about to cancel it.
UPSERT = Sql(f"""
INSERT INTO subscriptions (publishableKey, userId, subscriptionId, stripeCustomerId, status, plan, priceId, productId, amount,
  currency, monthlyAmount, currentPeriodStart, currentPeriodEnd, cancelAtPeriodEnd, cancelAt, canceledAt, endedAt, pastDueSince,
  createdAt, updatedAt)
SELECT ?1, ?2, ?3, ?4, ?5, (SELECT tierName FROM tier_prices WHERE publishableKey = ?1 AND priceId = ?6), ?6, ?7, ?8,
  ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, CASE WHEN ?5 = 'past_due' THEN ?18 END,
  ?17, ?18
WHERE {IS_NEWEST.format(subscription="?3", number="?19")}
  AND (EXISTS (SELECT 1 FROM subscriptions WHERE subscriptionId = ?3)
    OR (?16 IS NULL
      AND EXISTS (SELECT 1 FROM tier_prices WHERE publishableKey = ?1 AND priceId = ?6)
      AND NOT EXISTS (SELECT 1 FROM outbox
        WHERE kind IN ('cancel_subscription', 'end_second_subscription') AND subject = ?3)))
ON CONFLICT (publishableKey, userId) DO UPDATE SET
  subscriptionId = excluded.subscriptionId, stripeCustomerId = excluded.stripeCustomerId, status = excluded.status,
  plan = excluded.plan, priceId = excluded.priceId, productId = excluded.productId, amount = excluded.amount,
  currency = excluded.currency, monthlyAmount = excluded.monthlyAmount, currentPeriodStart = excluded.currentPeriodStart,
  currentPeriodEnd = excluded.currentPeriodEnd, cancelAtPeriodEnd = excluded.cancelAtPeriodEnd, cancelAt = excluded.cancelAt,
  canceledAt = excluded.canceledAt, endedAt = excluded.endedAt,
  pastDueSince = CASE WHEN subscriptions.subscriptionId = excluded.subscriptionId AND excluded.pastDueSince IS NOT NULL
    THEN coalesce(subscriptions.pastDueSince, excluded.pastDueSince) ELSE excluded.pastDueSince END,
  createdAt = excluded.createdAt, updatedAt = excluded.updatedAt
WHERE CASE WHEN subscriptions.subscriptionId = excluded.subscriptionId
  THEN subscriptions.endedAt IS NULL OR excluded.endedAt IS NOT NULL
  ELSE subscriptions.endedAt IS NOT NULL AND excluded.endedAt IS NULL END
""")

# Stores the Stripe customer of subscription ?3 with the user, if the user has this subscription. Makes the user known.
SET_CUSTOMER = Sql("""
INSERT INTO end_users (publishableKey, clerkUserId, email, stripeCustomerId, createdAt, updatedAt)
SELECT publishableKey, userId, ?4, stripeCustomerId, ?5, ?5 FROM subscriptions
WHERE publishableKey = ?1 AND userId = ?2 AND subscriptionId = ?3
ON CONFLICT (publishableKey, clerkUserId) DO UPDATE SET
  stripeCustomerId = excluded.stripeCustomerId, email = coalesce(end_users.email, excluded.email), updatedAt = excluded.updatedAt
WHERE end_users.stripeCustomerId IS NOT excluded.stripeCustomerId OR end_users.email IS NULL
""")

# Enqueues the end of subscription ?3, with payload ?4, if the user ?2 of project ?1 has another live one. Now ?5, read number ?6.
ENQUEUE_ENDING_SECOND = insert_effects(
    "'end_second_subscription'",
    "?3",
    "?4",
    "?5",
    f"""FROM subscriptions
WHERE publishableKey = ?1 AND userId = ?2 AND subscriptionId <> ?3 AND endedAt IS NULL
  AND {IS_NEWEST.format(subscription="?3", number="?6")}""",
)

# Enqueues the cancellation of the user's live subscription on the account that is connected now.
ENQUEUE_CANCELING_OF_USER = insert_effects(
    "'cancel_subscription'",
    "s.subscriptionId",
    "json_object('mode', p.mode, 'account', t.stripeUserId, 'subscriptionId', s.subscriptionId)",
    "?3",
    """FROM subscriptions s
JOIN projects p ON p.publishableKey = s.publishableKey
JOIN stripe_tokens t ON t.platformId = p.platformId AND t.mode = p.mode AND t.status = 'connected'
WHERE s.publishableKey = ?1 AND s.userId = ?2 AND s.endedAt IS NULL""",
)

# Deletes the subscription of a user.
DELETE_OF_USER = Sql("DELETE FROM subscriptions WHERE publishableKey = ?1 AND userId = ?2")

# For the schedule, over all projects: lists the subscriptions with these ids of Stripe (?1, a JSON array).
LIST_BY_IDS = Sql(f"SELECT {_COLUMNS} FROM subscriptions WHERE subscriptionId IN (SELECT value FROM json_each(?1))")


@dataclass(frozen=True, slots=True)
class StoredSubscription:
    """A subscription as D1 has it, and whose it is."""

    owner: Owner
    facts: SubscriptionFacts


def _stored_from(row: Row) -> StoredSubscription:
    facts = SubscriptionFacts(
        subscription_id=row["subscriptionId"],
        customer_id=row["stripeCustomerId"],
        status=row["status"],
        price_id=row["priceId"],
        product_id=row["productId"],
        amount=row["amount"],
        currency=row["currency"],
        monthly_amount=row["monthlyAmount"],
        period_start=row["currentPeriodStart"],
        period_end=row["currentPeriodEnd"],
        cancel_at_period_end=bool(row["cancelAtPeriodEnd"]),
        cancel_at=row["cancelAt"],
        canceled_at=row["canceledAt"],
        ended_at=row["endedAt"],
        created_at=row["createdAt"],
    )
    return StoredSubscription(Owner(row["publishableKey"], row["userId"]), facts)


async def issue_number_and_find(db: Database, subscription_id: str) -> tuple[int, StoredSubscription | None]:
    """The number of a read at Stripe that begins after this call, and the subscription as D1 has it."""
    numbers, rows = await db.batch([subscription_syncs.ISSUE.bind(subscription_id), FIND_BY_ID.bind(subscription_id)])
    return subscription_syncs.number_from(numbers), _stored_from(rows[0]) if rows else None


async def find_with_tier_of_price(
    db: Database, owner: Owner, price_id: str
) -> tuple[StoredSubscription | None, str | None]:
    """The user's subscription, and the name of the tier of the owner's project that has or had this price."""
    rows, tiers = await db.batch(
        [
            FIND_OF_USER.bind(owner.publishable_key, owner.user_id),
            tier_prices.TIER_OF_PRICE.bind(owner.publishable_key, price_id),
        ]
    )
    return _stored_from(rows[0]) if rows else None, tier_prices.tier_from(tiers)


async def list_by_ids(db: Database, subscription_ids: Sequence[str]) -> list[StoredSubscription]:
    """Those of the subscriptions that D1 has, of all projects."""
    return [_stored_from(row) for row in await db.all(LIST_BY_IDS, json.dumps(list(subscription_ids)))]


def upsert(owner: Owner, facts: SubscriptionFacts, number: int, now: str) -> Bound:
    """Stores what the read with this number found, if the guarantees of this module allow it."""
    return UPSERT.bind(
        owner.publishable_key,
        owner.user_id,
        facts.subscription_id,
        facts.customer_id,
        facts.status,
        facts.price_id,
        facts.product_id,
        facts.amount,
        facts.currency,
        facts.monthly_amount,
        facts.period_start,
        facts.period_end,
        int(facts.cancel_at_period_end),
        facts.cancel_at,
        facts.canceled_at,
        facts.ended_at,
        facts.created_at,
        now,
        number,
    )


def set_customer(owner: Owner, subscription_id: str, email: str | None, now: str) -> Bound:
    """Stores the customer of this subscription with the user, if `upsert` stored the subscription."""
    return SET_CUSTOMER.bind(owner.publishable_key, owner.user_id, subscription_id, email, now)


def enqueue_ending_if_second(
    owner: Owner, subscription_id: str, mode: str, account: str, number: int, now: str
) -> Bound:
    """Enqueues the end of this subscription at Stripe if the user has another live one."""
    payload = json.dumps({"mode": mode, "account": account, "subscriptionId": subscription_id})
    return ENQUEUE_ENDING_SECOND.bind(owner.publishable_key, owner.user_id, subscription_id, payload, now, number)


def enqueue_canceling_of_user(publishable_key: str, user_id: str, now: str) -> Bound:
    """Enqueues the cancellation of the user's subscription, if it is live. Comes before the deletion of the row."""
    return ENQUEUE_CANCELING_OF_USER.bind(publishable_key, user_id, now)


def delete_of_user(publishable_key: str, user_id: str) -> Bound:
    """Deletes the user's subscription from D1."""
    return DELETE_OF_USER.bind(publishable_key, user_id)
