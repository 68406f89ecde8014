"""`platforms`: developers, their subscription at dream-api, and their allowance of `/verify-auth` calls."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dream.db.subscription_syncs import IS_NEWEST
from dream.domain.platform_billing import (
    FAR_AWAY,
    FREE_ALLOWANCE,
    GRACE_DAYS,
    OVERDUE_STATUSES,
    PAID_ALLOWANCE,
    PAYING_STATUSES,
    PlatformSubscription,
)
from dream.runtime.bindings import Bound, Database, Row, Sql

_COLUMNS = """platformId, clerkUserId, email, stripeCustomerId, checkoutSessionId, subscriptionId, subscriptionStatus,
  currentPeriodStart, currentPeriodEnd, cancelAtPeriodEnd, cancelAt, canceledAt, endedAt, liveKeysUntil, updatedAt"""


def _listed(words: frozenset[str]) -> str:
    return ", ".join(f"'{word}'" for word in sorted(words))


def _paid(now: str) -> str:
    """The SQL of `Platform.is_paid`."""
    return f"""(subscriptionStatus IN ({_listed(PAYING_STATUSES)})
      OR (subscriptionStatus = 'past_due' AND liveKeysUntil > {now}))"""


FIND_BY_CLERK_USER = Sql(f"SELECT {_COLUMNS} FROM platforms WHERE clerkUserId = ?1 AND deletedAt IS NULL")

FIND = Sql(f"SELECT {_COLUMNS} FROM platforms WHERE platformId = ?1")

FIND_BY_CUSTOMER = Sql(f"SELECT {_COLUMNS} FROM platforms WHERE stripeCustomerId = ?1")

CREATE = Sql("""
INSERT INTO platforms (platformId, clerkUserId, createdAt, updatedAt) VALUES (?1, ?2, ?3, ?3)
ON CONFLICT (clerkUserId) DO NOTHING
""")


async def find_by_clerk_user(db: Database, clerk_user_id: str) -> Row | None:
    """The platform of a developer."""
    return await db.first(FIND_BY_CLERK_USER, clerk_user_id)


async def find(db: Database, platform_id: str) -> Row | None:
    """The platform, be it deleted."""
    return await db.first(FIND, platform_id)


async def find_by_customer(db: Database, stripe_customer_id: str) -> Row | None:
    """The platform that is this customer of the platform's own Stripe account."""
    return await db.first(FIND_BY_CUSTOMER, stripe_customer_id)


async def create_once(db: Database, platform_id: str, clerk_user_id: str, now: str) -> Row | None:
    """The developer's platform, with this id if it is new. None for a developer who was deleted."""
    rows = await db.batch([CREATE.bind(platform_id, clerk_user_id, now), FIND_BY_CLERK_USER.bind(clerk_user_id)])
    return rows[1][0] if rows[1] else None


# What Clerk says of the user -------------------------------------------------------------------------------

SET_USER = Sql("""
INSERT INTO platforms (platformId, clerkUserId, email, clerkUpdatedAt, createdAt, updatedAt)
VALUES (?1, ?2, ?3, ?4, ?5, ?5)
ON CONFLICT (clerkUserId) DO UPDATE SET
  email = excluded.email, clerkUpdatedAt = excluded.clerkUpdatedAt, updatedAt = excluded.updatedAt
WHERE deletedAt IS NULL AND (clerkUpdatedAt IS NULL OR clerkUpdatedAt <= excluded.clerkUpdatedAt)
""")

SET_EMAIL = Sql("UPDATE platforms SET email = ?2 WHERE platformId = ?1 AND email IS NULL AND deletedAt IS NULL")

MARK_DELETED = Sql("""
INSERT INTO platforms (platformId, clerkUserId, createdAt, updatedAt, deletedAt) VALUES (?1, ?2, ?3, ?3, ?3)
ON CONFLICT (clerkUserId) DO UPDATE SET
  email = NULL, updatedAt = excluded.updatedAt, deletedAt = COALESCE(deletedAt, excluded.deletedAt)
""")

DROP_DELETED = Sql("DELETE FROM platforms WHERE deletedAt IS NOT NULL AND deletedAt < ?1")


def set_user(platform_id: str, clerk_user_id: str, email: str | None, clerk_updated_at: str, now: str) -> Bound:
    """Know the developer, with this platform id if they are new; an older state of the user changes nothing."""
    return SET_USER.bind(platform_id, clerk_user_id, email, clerk_updated_at, now)


async def set_email(db: Database, platform_id: str, email: str) -> None:
    """Fill in an address that no event has brought yet."""
    await db.run(SET_EMAIL, platform_id, email)


def mark_deleted(platform_id: str, clerk_user_id: str, now: str) -> Bound:
    """The developer is gone, and stays so whatever event comes late. The id is for one who was not known."""
    return MARK_DELETED.bind(platform_id, clerk_user_id, now)


async def drop_deleted(db: Database, before: str) -> int:
    """Forget developers who were deleted before that moment (ISO 8601 UTC); how many."""
    return await db.run(DROP_DELETED, before)


# Their subscription ----------------------------------------------------------------------------------------

SET_CUSTOMER = Sql("""
UPDATE platforms SET stripeCustomerId = ?2, updatedAt = ?3 WHERE platformId = ?1 AND stripeCustomerId IS NULL
""")

FORGET_CUSTOMER = Sql("""
UPDATE platforms SET stripeCustomerId = NULL, checkoutSessionId = NULL, updatedAt = ?2 WHERE stripeCustomerId = ?1
""")

SET_CHECKOUT = Sql("UPDATE platforms SET checkoutSessionId = ?2, updatedAt = ?3 WHERE platformId = ?1")

# Platform ?1, subscription ?2, status ?3, customer ?4, period ?5 ?6, cancel at period end ?7, cancel at ?8, canceled ?9,
# ended ?10, unpaid since ?11, now ?12, sync number ?13.
# The present subscription may be replaced once it has ended, by one that lives or that ended later; ended is for good.
_MAY_STORE = f"""platformId = ?1
  AND (subscriptionId IS NULL
    OR (subscriptionId = ?2 AND endedAt IS NULL)
    OR (subscriptionId <> ?2 AND endedAt IS NOT NULL AND (?10 IS NULL OR ?10 > endedAt)))
  AND {IS_NEWEST.format(subscription="?2", number="?13")}"""

_PAST_DUE_SINCE = f"""CASE
    WHEN ?3 IN ({_listed(OVERDUE_STATUSES)})
      THEN COALESCE(CASE WHEN subscriptionId = ?2 THEN pastDueSince END, ?11)
    WHEN ?10 IS NOT NULL AND subscriptionId = ?2 THEN pastDueSince
  END"""

STORE_SUBSCRIPTION = Sql(f"""
UPDATE platforms SET
  subscriptionId = ?2, subscriptionStatus = ?3, stripeCustomerId = ?4, currentPeriodStart = ?5, currentPeriodEnd = ?6,
  cancelAtPeriodEnd = ?7, cancelAt = ?8, canceledAt = ?9, endedAt = ?10, updatedAt = ?12,
  pastDueSince = {_PAST_DUE_SINCE},
  liveKeysUntil = CASE
    WHEN ?3 IN ({_listed(PAYING_STATUSES)}) THEN '{FAR_AWAY}'
    ELSE strftime('%Y-%m-%dT%H:%M:%fZ', COALESCE({_PAST_DUE_SINCE}, ?10, ?12), '+{GRACE_DAYS} days')
  END
WHERE {_MAY_STORE}
""")

# Before the update: a line of the audit log for what it is about to change, none for what stays.
RECORD_CHANGE = Sql(f"""
INSERT INTO audit_log (platformId, actor, action, details, createdAt)
SELECT platformId, 'stripe', 'subscription.' || ?3, json_object(
    'subscriptionId', ?2, 'from', subscriptionStatus, 'cancelAtPeriodEnd',
    json(CASE WHEN ?7 THEN 'true' ELSE 'false' END), 'cancelAt', ?8, 'endedAt', ?10), ?12
FROM platforms
WHERE {_MAY_STORE}
  AND (subscriptionId IS NOT ?2 OR subscriptionStatus IS NOT ?3 OR cancelAtPeriodEnd IS NOT ?7 OR cancelAt IS NOT ?8)
""")

# Before the update too: a second subscription beside one that lives, or one of a developer who is gone, is owed its end, and
# what it took goes back.
OWE_END_IF_UNWANTED = Sql("""
INSERT INTO outbox (kind, subject, payload, nextAttemptAt, createdAt)
SELECT 'end_second_subscription', ?2, ?3, ?4, ?4 FROM platforms
WHERE platformId = ?1 AND ((subscriptionId <> ?2 AND endedAt IS NULL) OR deletedAt IS NOT NULL)
ON CONFLICT (kind, subject) DO NOTHING
""")

# The developer is gone: so are the subscription, and the access to the accounts that they connected.
OWE_CANCELING_OWN = Sql("""
INSERT INTO outbox (kind, subject, payload, nextAttemptAt, createdAt)
SELECT 'cancel_subscription', subscriptionId,
  json_object('mode', ?2, 'account', NULL, 'subscriptionId', subscriptionId), ?3, ?3
FROM platforms WHERE platformId = ?1 AND subscriptionId IS NOT NULL AND endedAt IS NULL
ON CONFLICT (kind, subject) DO NOTHING
""")

OWE_EXPIRING_OWN = Sql("""
INSERT INTO outbox (kind, subject, payload, nextAttemptAt, createdAt)
SELECT 'expire_session', checkoutSessionId,
  json_object('mode', ?2, 'account', NULL, 'sessionId', checkoutSessionId), ?3, ?3
FROM platforms WHERE platformId = ?1 AND checkoutSessionId IS NOT NULL
ON CONFLICT (kind, subject) DO NOTHING
""")

# Later than what the deletion of projects owes on the same accounts.
OWE_REVOKING = Sql("""
INSERT INTO outbox (kind, subject, payload, nextAttemptAt, createdAt)
SELECT 'revoke_connection', stripeUserId || ':' || mode, json_object('mode', mode, 'account', stripeUserId), ?2, ?3
FROM stripe_tokens WHERE platformId = ?1 AND status = 'connected'
ON CONFLICT (kind, subject) DO NOTHING
""")

FORGET_CONNECTIONS = Sql("DELETE FROM stripe_tokens WHERE platformId = ?1")

FORGET_ONE_TIME_TOKENS = Sql("DELETE FROM one_time_tokens WHERE platformId = ?1")

FORGET_DRAFTS = Sql("DELETE FROM project_drafts WHERE platformId = ?1")

# From the row as it now stands, whichever read got there.
SHOW_PLAN = Sql(f"""
INSERT INTO outbox (kind, subject, payload, nextAttemptAt, createdAt)
SELECT 'set_public_metadata', 'DEVELOPERS:' || clerkUserId, json_object(
    'instance', 'DEVELOPERS', 'userId', clerkUserId,
    'publicMetadata', json_object(
      'plan', CASE WHEN {_paid("?2")} THEN 'paid' ELSE 'free' END,
      'platformId', platformId, 'subscriptionStatus', subscriptionStatus)), ?2, ?2
FROM platforms WHERE platformId = ?1 AND deletedAt IS NULL
ON CONFLICT (kind, subject) DO UPDATE SET
  payload = excluded.payload, version = version + 1, attempts = 0, nextAttemptAt = excluded.nextAttemptAt, lastError = NULL
""")


async def set_customer(db: Database, platform_id: str, stripe_customer_id: str, now: str) -> None:
    """Remember the developer's customer at Stripe; the first one stays."""
    await db.run(SET_CUSTOMER, platform_id, stripe_customer_id, now)


def forget_customer(stripe_customer_id: str, now: str) -> Bound:
    """The customer was deleted at Stripe."""
    return FORGET_CUSTOMER.bind(stripe_customer_id, now)


async def set_checkout(db: Database, platform_id: str, session_id: str, now: str) -> None:
    """Remember the checkout that was opened last."""
    await db.run(SET_CHECKOUT, platform_id, session_id, now)


def store_subscription(platform_id: str, subscription: PlatformSubscription, sync_number: int, now: str) -> list[Bound]:
    """Store what the read of that number found, unless it is outdated; note the change. `mark_applied` comes after these."""
    values = (
        platform_id,
        subscription.id,
        subscription.status,
        subscription.customer_id,
        subscription.current_period_start,
        subscription.current_period_end,
        int(subscription.cancel_at_period_end),
        subscription.cancel_at,
        subscription.canceled_at,
        subscription.ended_at,
        subscription.unpaid_since,
        now,
        sync_number,
    )
    return [RECORD_CHANGE.bind(*values), STORE_SUBSCRIPTION.bind(*values)]


def owe_end_if_unwanted(platform_id: str, subscription_id: str, payload: Mapping[str, Any], now: str) -> Bound:
    """Owe the end of this subscription if another one of the platform lives, or the developer is gone. Comes before
    `store_subscription`.
    """
    return OWE_END_IF_UNWANTED.bind(platform_id, subscription_id, json.dumps(payload), now)


def owe_leaving(platform_id: str, stripe_mode: str, now: str, later: str) -> list[Bound]:
    """What the departure of a developer owes to Stripe, and the end of what tied them to it. Comes after the projects' part."""
    return [
        OWE_CANCELING_OWN.bind(platform_id, stripe_mode, now),
        OWE_EXPIRING_OWN.bind(platform_id, stripe_mode, now),
        OWE_REVOKING.bind(platform_id, later, now),
        FORGET_CONNECTIONS.bind(platform_id),
        FORGET_ONE_TIME_TOKENS.bind(platform_id),
        FORGET_DRAFTS.bind(platform_id),
    ]


def show_plan(platform_id: str, now: str) -> Bound:
    """Owe the plan in the developer's public metadata at Clerk. Comes after what changes it."""
    return SHOW_PLAN.bind(platform_id, now)


# Their allowance -------------------------------------------------------------------------------------------

# Developer ?1, period ?2, now ?3. Nothing comes back when the allowance is used up.
COUNT_CALL = Sql(f"""
INSERT INTO platform_usage_counts (platformId, periodStart, usageCount)
SELECT platformId, ?2, 1 FROM platforms WHERE clerkUserId = ?1 AND deletedAt IS NULL
ON CONFLICT (platformId, periodStart) DO UPDATE SET usageCount = usageCount + 1
WHERE usageCount < (SELECT CASE WHEN {_paid("?3")} THEN {PAID_ALLOWANCE} ELSE {FREE_ALLOWANCE} END
  FROM platforms p WHERE p.platformId = platform_usage_counts.platformId)
RETURNING usageCount
""")

READ_COUNT = Sql("""
SELECT c.usageCount FROM platforms p
JOIN platform_usage_counts c ON c.platformId = p.platformId AND c.periodStart = ?2
WHERE p.clerkUserId = ?1
""")


async def count_call(
    db: Database, platform_id: str, clerk_user_id: str, period_start: str, now: str
) -> tuple[Row | None, bool, int]:
    """Count one call if the allowance has room, making the developer known first (under `platform_id` if new).

    The platform (None for a developer who was deleted), whether the call was counted, and the count.
    """
    rows = await db.batch(
        [
            CREATE.bind(platform_id, clerk_user_id, now),
            COUNT_CALL.bind(clerk_user_id, period_start, now),
            FIND_BY_CLERK_USER.bind(clerk_user_id),
            READ_COUNT.bind(clerk_user_id, period_start),
        ]
    )
    platform = rows[2][0] if rows[2] else None
    return platform, bool(rows[1]), rows[3][0]["usageCount"] if rows[3] else 0


# For the schedule -------------------------------------------------------------------------------------------

LIST_OF_IDS = Sql(f"SELECT {_COLUMNS} FROM platforms WHERE platformId IN (SELECT value FROM json_each(?1))")


async def list_of_ids(db: Database, platform_ids: Sequence[str]) -> list[Row]:
    """Those of the platforms that there are."""
    return await db.all(LIST_OF_IDS, json.dumps(list(platform_ids)))
