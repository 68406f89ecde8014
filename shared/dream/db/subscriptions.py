"""`subscriptions`: what Stripe said of each end user's subscription when it was read last.

Statements that write go into one batch and are conditions on each other: a reading counts only if none that began later was applied,
a live subscription is never replaced by another, and an ended one never comes back to life.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from dream.db import subscription_syncs
from dream.db.subscription_syncs import IS_NEWEST
from dream.domain.subscriptions import Owner, SubscriptionFacts
from dream.runtime.bindings import Bound, Database, Row, Sql

_COLUMNS = """
subscriptionId, publishableKey, userId, stripeCustomerId, status, plan, priceId, productId, amount, currency, monthlyAmount,
  currentPeriodStart, currentPeriodEnd, cancelAtPeriodEnd, cancelAt, canceledAt, endedAt, pastDueSince, createdAt
"""

FIND_OF_USER = Sql(f"SELECT {_COLUMNS} FROM subscriptions WHERE publishableKey = ?1 AND userId = ?2")

# By Stripe's own id: it is what tells the project. Callers check that the project may be spoken of.
FIND_BY_ID = Sql(f"SELECT {_COLUMNS} FROM subscriptions WHERE subscriptionId = ?1")

# A subscription that is new to us is kept if it is live, sells one of our tiers, and is not one that we owe to cancel.
KEEP = Sql(f"""
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

# The customer whom Stripe bills for the subscription that was kept.
REMEMBER_CUSTOMER = Sql("""
INSERT INTO end_users (publishableKey, clerkUserId, email, stripeCustomerId, createdAt, updatedAt)
SELECT publishableKey, userId, ?4, stripeCustomerId, ?5, ?5 FROM subscriptions
WHERE publishableKey = ?1 AND userId = ?2 AND subscriptionId = ?3
ON CONFLICT (publishableKey, clerkUserId) DO UPDATE SET
  stripeCustomerId = excluded.stripeCustomerId, email = coalesce(end_users.email, excluded.email), updatedAt = excluded.updatedAt
WHERE end_users.stripeCustomerId IS NOT excluded.stripeCustomerId OR end_users.email IS NULL
""")

# A second live subscription is never wanted: it is owed to end. Payload ?4.
OWE_END_IF_SECOND = Sql(f"""
INSERT INTO outbox (kind, subject, payload, nextAttemptAt, createdAt)
SELECT 'end_second_subscription', ?3, ?4, ?5, ?5 FROM subscriptions
WHERE publishableKey = ?1 AND userId = ?2 AND subscriptionId <> ?3 AND endedAt IS NULL
  AND {IS_NEWEST.format(subscription="?3", number="?6")}
ON CONFLICT (kind, subject) DO NOTHING
""")

OWE_CANCELING_OF_USER = Sql("""
INSERT INTO outbox (kind, subject, payload, nextAttemptAt, createdAt)
SELECT 'cancel_subscription', s.subscriptionId,
  json_object('mode', p.mode, 'account', t.stripeUserId, 'subscriptionId', s.subscriptionId), ?3, ?3
FROM subscriptions s
JOIN projects p ON p.publishableKey = s.publishableKey
JOIN stripe_tokens t ON t.platformId = p.platformId AND t.mode = p.mode AND t.status = 'connected'
WHERE s.publishableKey = ?1 AND s.userId = ?2 AND s.endedAt IS NULL
ON CONFLICT (kind, subject) DO NOTHING
""")

DELETE_OF_USER = Sql("DELETE FROM subscriptions WHERE publishableKey = ?1 AND userId = ?2")

# For the schedule, over all projects: what D1 has of these (a JSON array of Stripe's ids).
LIST_OF_IDS = Sql(f"SELECT {_COLUMNS} FROM subscriptions WHERE subscriptionId IN (SELECT value FROM json_each(?1))")


def of_user(publishable_key: str, user_id: str) -> Bound:
    """The user's subscription: the live one, else the last that ended."""
    return FIND_OF_USER.bind(publishable_key, user_id)


async def number_and_find(db: Database, subscription_id: str) -> tuple[int, Row | None]:
    """A number for a read of the subscription that begins after this, and the row as it is now."""
    numbers, rows = await db.batch([subscription_syncs.ISSUE.bind(subscription_id), FIND_BY_ID.bind(subscription_id)])
    return numbers[0]["answer"], rows[0] if rows else None


def keep(owner: Owner, facts: SubscriptionFacts, number: int, now: str) -> Bound:
    """Set the user's row to what the read with this number found, as far as the rules above allow."""
    return KEEP.bind(
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


def remember_customer(owner: Owner, subscription_id: str, email: str | None, now: str) -> Bound:
    """The user is known, with the customer of this subscription, if this is the one that was kept."""
    return REMEMBER_CUSTOMER.bind(owner.publishable_key, owner.user_id, subscription_id, email, now)


def owe_end_if_second(owner: Owner, subscription_id: str, mode: str, account: str, number: int, now: str) -> Bound:
    """Owe the end of this subscription if the user's live subscription is another one."""
    payload = json.dumps({"mode": mode, "account": account, "subscriptionId": subscription_id})
    return OWE_END_IF_SECOND.bind(owner.publishable_key, owner.user_id, subscription_id, payload, now, number)


def owe_canceling_of_user(publishable_key: str, user_id: str, now: str) -> Bound:
    """Owe the end of the user's subscription, if it lives."""
    return OWE_CANCELING_OF_USER.bind(publishable_key, user_id, now)


def delete_of_user(publishable_key: str, user_id: str) -> Bound:
    return DELETE_OF_USER.bind(publishable_key, user_id)


async def list_of_ids(db: Database, subscription_ids: Sequence[str]) -> list[Row]:
    """Those of the subscriptions that D1 has, whosever they are."""
    return await db.all(LIST_OF_IDS, json.dumps(list(subscription_ids)))
