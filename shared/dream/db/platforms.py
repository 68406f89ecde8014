"""`platforms`: developers, their subscription at dream-api, and their allowance of `/verify-auth` calls.

A platform is found by its Clerk user id, its own id or its Stripe customer id. No statement reads rows of end users.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dream.db.outbox import insert_effects
from dream.db.subscription_syncs import IS_NEWEST
from dream.domain.platform_billing import (
    FAR_AWAY,
    FREE_ALLOWANCE,
    GRACE_DAYS,
    OVERDUE_STATUSES,
    PAID_ALLOWANCE,
    PAYING_STATUSES,
    Platform,
    PlatformSubscription,
)
from dream.runtime.bindings import Bound, Database, Row, Sql

_COLUMNS = """platformId, clerkUserId, email, stripeCustomerId, checkoutSessionId, subscriptionId, subscriptionStatus,
  currentPeriodStart, currentPeriodEnd, cancelAtPeriodEnd, cancelAt, canceledAt, endedAt, liveKeysUntil, updatedAt"""


def _listed(words: frozenset[str]) -> str:
    return ", ".join(f"'{word}'" for word in sorted(words))


def _paid(now: str) -> str:
    """`Platform.is_paid` as SQL."""
    return f"""(subscriptionStatus IN ({_listed(PAYING_STATUSES)})
      OR (subscriptionStatus = 'past_due' AND liveKeysUntil > {now}))"""


# Finds the platform of a developer. A soft-deleted platform is not found.
FIND_BY_CLERK_USER = Sql(f"SELECT {_COLUMNS} FROM platforms WHERE clerkUserId = ?1 AND deletedAt IS NULL")

# Finds a platform by its id. Includes soft-deleted platforms.
FIND = Sql(f"SELECT {_COLUMNS} FROM platforms WHERE platformId = ?1")

# Finds a platform by its customer id at Stripe. Includes soft-deleted platforms.
FIND_BY_CUSTOMER = Sql(f"SELECT {_COLUMNS} FROM platforms WHERE stripeCustomerId = ?1")

# For the schedule: reads the platforms whose ids are in the JSON array ?1. Includes soft-deleted platforms.
LIST_BY_IDS = Sql(f"SELECT {_COLUMNS} FROM platforms WHERE platformId IN (SELECT value FROM json_each(?1))")

# Inserts the platform of a developer. Changes nothing if the developer has one, soft-deleted or not.
CREATE = Sql("""
INSERT INTO platforms (platformId, clerkUserId, createdAt, updatedAt) VALUES (?1, ?2, ?3, ?3)
ON CONFLICT (clerkUserId) DO NOTHING
""")


def _platform_from(row: Row) -> Platform:
    return Platform(
        platform_id=row["platformId"],
        clerk_user_id=row["clerkUserId"],
        email=row["email"],
        stripe_customer_id=row["stripeCustomerId"],
        checkout_session_id=row["checkoutSessionId"],
        subscription_id=row["subscriptionId"],
        subscription_status=row["subscriptionStatus"],
        current_period_start=row["currentPeriodStart"],
        current_period_end=row["currentPeriodEnd"],
        cancel_at_period_end=bool(row["cancelAtPeriodEnd"]),
        cancel_at=row["cancelAt"],
        canceled_at=row["canceledAt"],
        ended_at=row["endedAt"],
        live_keys_until=row["liveKeysUntil"],
        updated_at=row["updatedAt"],
    )


async def find_by_clerk_user(db: Database, clerk_user_id: str) -> Platform | None:
    """The platform of a developer. None for a new developer, and for one whose account was deleted."""
    row = await db.first(FIND_BY_CLERK_USER, clerk_user_id)
    return None if row is None else _platform_from(row)


async def find(db: Database, platform_id: str) -> Platform | None:
    """Includes soft-deleted platforms."""
    row = await db.first(FIND, platform_id)
    return None if row is None else _platform_from(row)


async def find_by_customer(db: Database, stripe_customer_id: str) -> Platform | None:
    """The platform with this customer id in dream-api's own Stripe account. Includes soft-deleted platforms."""
    row = await db.first(FIND_BY_CUSTOMER, stripe_customer_id)
    return None if row is None else _platform_from(row)


async def list_by_ids(db: Database, platform_ids: Sequence[str]) -> list[Platform]:
    """The platforms with these ids. Unknown ids are ignored."""
    return [_platform_from(row) for row in await db.all(LIST_BY_IDS, json.dumps(list(platform_ids)))]


async def find_or_create(db: Database, platform_id: str, clerk_user_id: str, now: str) -> Platform | None:
    """The developer's platform. A new platform gets this id. None for a developer whose account was deleted."""
    _, rows = await db.batch([CREATE.bind(platform_id, clerk_user_id, now), FIND_BY_CLERK_USER.bind(clerk_user_id)])
    return _platform_from(rows[0]) if rows else None


# The developer's user at Clerk -----------------------------------------------------------------------------

# Inserts the developer, or updates the email address. An older state of the user, and a soft-deleted platform, change nothing.
UPSERT_USER = Sql("""
INSERT INTO platforms (platformId, clerkUserId, email, clerkUpdatedAt, createdAt, updatedAt)
VALUES (?1, ?2, ?3, ?4, ?5, ?5)
ON CONFLICT (clerkUserId) DO UPDATE SET
  email = excluded.email, clerkUpdatedAt = excluded.clerkUpdatedAt, updatedAt = excluded.updatedAt
WHERE deletedAt IS NULL AND (clerkUpdatedAt IS NULL OR clerkUpdatedAt <= excluded.clerkUpdatedAt)
""")

# Sets the email address if the platform has none.
SET_EMAIL = Sql("UPDATE platforms SET email = ?2 WHERE platformId = ?1 AND email IS NULL AND deletedAt IS NULL")

# Soft-deletes the platform, and deletes the email address. Inserts a soft-deleted row for an unknown user, so that an event that
# arrives late does not create the platform.
SOFT_DELETE = Sql("""
INSERT INTO platforms (platformId, clerkUserId, createdAt, updatedAt, deletedAt) VALUES (?1, ?2, ?3, ?3, ?3)
ON CONFLICT (clerkUserId) DO UPDATE SET
  email = NULL, updatedAt = excluded.updatedAt, deletedAt = COALESCE(deletedAt, excluded.deletedAt)
""")

# Deletes the rows of platforms that were soft-deleted before ?1.
DELETE_SOFT_DELETED = Sql("DELETE FROM platforms WHERE deletedAt IS NOT NULL AND deletedAt < ?1")


def upsert_user(platform_id: str, clerk_user_id: str, email: str | None, clerk_updated_at: str, now: str) -> Bound:
    """Stores the developer's email address. A new developer gets this platform id. An older state of the user changes nothing."""
    return UPSERT_USER.bind(platform_id, clerk_user_id, email, clerk_updated_at, now)


async def set_email(db: Database, platform_id: str, email: str) -> None:
    """Sets the email address if no event has set one."""
    await db.run(SET_EMAIL, platform_id, email)


def soft_delete(platform_id: str, clerk_user_id: str, now: str) -> Bound:
    """Marks the developer as deleted, whatever events arrive later. An unknown user gets this platform id."""
    return SOFT_DELETE.bind(platform_id, clerk_user_id, now)


async def delete_soft_deleted(db: Database, before: str) -> int:
    """Deletes platforms that were soft-deleted before that moment (ISO 8601 UTC). Returns how many."""
    return await db.run(DELETE_SOFT_DELETED, before)


# The subscription at dream-api ----------------------------------------------------------------------------------------

# Sets the customer id if the platform has none.
SET_CUSTOMER = Sql("""
UPDATE platforms SET stripeCustomerId = ?2, updatedAt = ?3 WHERE platformId = ?1 AND stripeCustomerId IS NULL
""")

# Clears the customer id and the last checkout session of the platform with this customer id.
CLEAR_CUSTOMER = Sql("""
UPDATE platforms SET stripeCustomerId = NULL, checkoutSessionId = NULL, updatedAt = ?2 WHERE stripeCustomerId = ?1
""")

# Sets the id of the last checkout session.
SET_CHECKOUT = Sql("UPDATE platforms SET checkoutSessionId = ?2, updatedAt = ?3 WHERE platformId = ?1")

# The next two statements take: platform ?1, subscription ?2, status ?3, customer ?4, period ?5 ?6, cancel at period end ?7,
# cancel at ?8, canceled at ?9, ended at ?10, unpaid since ?11, now ?12, sync number ?13.

# Whether the read may be stored. A subscription that has ended never changes again. It is replaced by one that has not ended, or
# that ended later. A read that began before one that is stored is not stored.
_MAY_STORE = f"""platformId = ?1
  AND (subscriptionId IS NULL
    OR (subscriptionId = ?2 AND endedAt IS NULL)
    OR (subscriptionId <> ?2 AND endedAt IS NOT NULL AND (?10 IS NULL OR ?10 > endedAt)))
  AND {IS_NEWEST.format(subscription="?2", number="?13")}"""

# When the payment became overdue. It stays while the subscription is overdue, and when it ends.
_PAST_DUE_SINCE = f"""CASE
    WHEN ?3 IN ({_listed(OVERDUE_STATUSES)})
      THEN COALESCE(CASE WHEN subscriptionId = ?2 THEN pastDueSince END, ?11)
    WHEN ?10 IS NOT NULL AND subscriptionId = ?2 THEN pastDueSince
  END"""

# Stores a read of the subscription.
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

# Comes before STORE_SUBSCRIPTION: adds an audit entry if that statement is about to change something.
RECORD_CHANGE = Sql(f"""
INSERT INTO audit_log (platformId, actor, action, details, createdAt)
SELECT platformId, 'stripe', 'subscription.' || ?3, json_object(
    'subscriptionId', ?2, 'from', subscriptionStatus, 'cancelAtPeriodEnd',
    json(CASE WHEN ?7 THEN 'true' ELSE 'false' END), 'cancelAt', ?8, 'endedAt', ?10), ?12
FROM platforms
WHERE {_MAY_STORE}
  AND (subscriptionId IS NOT ?2 OR subscriptionStatus IS NOT ?3 OR cancelAtPeriodEnd IS NOT ?7 OR cancelAt IS NOT ?8)
""")

# Comes before STORE_SUBSCRIPTION too: enqueues that Stripe refunds and cancels this subscription, if the platform already has
# another one that has not ended, or is soft-deleted.
ENQUEUE_ENDING_IF_UNWANTED = insert_effects(
    "'end_second_subscription'",
    "?2",
    "?3",
    "?4",
    """FROM platforms
WHERE platformId = ?1 AND ((subscriptionId <> ?2 AND endedAt IS NULL) OR deletedAt IS NOT NULL)""",
)

# Enqueues that Stripe cancels the subscription of a platform.
ENQUEUE_CANCELING_SUBSCRIPTION = insert_effects(
    "'cancel_subscription'",
    "subscriptionId",
    "json_object('mode', ?2, 'account', NULL, 'subscriptionId', subscriptionId)",
    "?3",
    "FROM platforms WHERE platformId = ?1 AND subscriptionId IS NOT NULL AND endedAt IS NULL",
)

# Enqueues that Stripe expires the last checkout session of a platform.
ENQUEUE_EXPIRING_CHECKOUT = insert_effects(
    "'expire_session'",
    "checkoutSessionId",
    "json_object('mode', ?2, 'account', NULL, 'sessionId', checkoutSessionId)",
    "?3",
    "FROM platforms WHERE platformId = ?1 AND checkoutSessionId IS NOT NULL",
)

# Enqueues that each connected account is disconnected. It is due at ?2, after the effects that still need the account. Now is ?3.
ENQUEUE_REVOKING_CONNECTIONS = insert_effects(
    "'revoke_connection'",
    "stripeUserId || ':' || mode",
    "json_object('mode', mode, 'account', stripeUserId)",
    "?3",
    "FROM stripe_tokens WHERE platformId = ?1 AND status = 'connected'",
    due_at="?2",
)

# Deletes the connected accounts of a platform.
DELETE_CONNECTIONS = Sql("DELETE FROM stripe_tokens WHERE platformId = ?1")

# Deletes the one-time tokens of a platform.
DELETE_ONE_TIME_TOKENS = Sql("DELETE FROM one_time_tokens WHERE platformId = ?1")

# Deletes the drafts of a platform.
DELETE_DRAFTS = Sql("DELETE FROM project_drafts WHERE platformId = ?1")

# Enqueues that Clerk shows the plan which the row has now, whichever read stored it.
ENQUEUE_PLAN = insert_effects(
    "'set_public_metadata'",
    "'DEVELOPERS:' || clerkUserId",
    f"""json_object(
    'instance', 'DEVELOPERS', 'userId', clerkUserId,
    'publicMetadata', json_object(
      'plan', CASE WHEN {_paid("?2")} THEN 'paid' ELSE 'free' END,
      'platformId', platformId, 'subscriptionStatus', subscriptionStatus))""",
    "?2",
    "FROM platforms WHERE platformId = ?1 AND deletedAt IS NULL",
    if_enqueued="replace",
)


async def set_customer(db: Database, platform_id: str, stripe_customer_id: str, now: str) -> None:
    """Sets the developer's customer id at Stripe, if none is set."""
    await db.run(SET_CUSTOMER, platform_id, stripe_customer_id, now)


def clear_customer(stripe_customer_id: str, now: str) -> Bound:
    """Clears a customer id that was deleted at Stripe."""
    return CLEAR_CUSTOMER.bind(stripe_customer_id, now)


async def set_checkout(db: Database, platform_id: str, session_id: str, now: str) -> None:
    """Sets the id of the last checkout session."""
    await db.run(SET_CHECKOUT, platform_id, session_id, now)


def store_subscription(platform_id: str, subscription: PlatformSubscription, sync_number: int, now: str) -> list[Bound]:
    """Stores the read with this number, unless a later read is stored, and records the change in the audit log.

    `subscription_syncs.mark_applied` comes after these statements.
    """
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


def enqueue_ending_if_unwanted(platform_id: str, subscription_id: str, payload: Mapping[str, Any], now: str) -> Bound:
    """Enqueues the end of this subscription, if the platform has another one that has not ended, or is soft-deleted.

    Comes before `store_subscription`.
    """
    return ENQUEUE_ENDING_IF_UNWANTED.bind(platform_id, subscription_id, json.dumps(payload), now)


def remove_from_stripe(platform_id: str, stripe_mode: str, now: str, revoke_at: str) -> list[Bound]:
    """Enqueues the end of the developer's subscription and connections, and deletes connections, one-time tokens and drafts.

    The connected accounts are disconnected at `revoke_at`. Comes after `owned_projects.enqueue_clean_up`, which needs them.
    """
    return [
        ENQUEUE_CANCELING_SUBSCRIPTION.bind(platform_id, stripe_mode, now),
        ENQUEUE_EXPIRING_CHECKOUT.bind(platform_id, stripe_mode, now),
        ENQUEUE_REVOKING_CONNECTIONS.bind(platform_id, revoke_at, now),
        DELETE_CONNECTIONS.bind(platform_id),
        DELETE_ONE_TIME_TOKENS.bind(platform_id),
        DELETE_DRAFTS.bind(platform_id),
    ]


def enqueue_plan(platform_id: str, now: str) -> Bound:
    """Enqueues that Clerk's public metadata show the developer's plan. Comes after the statements that change the plan."""
    return ENQUEUE_PLAN.bind(platform_id, now)


# The allowance of `/verify-auth` calls ---------------------------------------------------------------------

# Counts one call of developer ?1 in the period ?2, if the allowance has room. Returns no row if it has none. Now is ?3.
COUNT_CALL = Sql(f"""
INSERT INTO platform_usage_counts (platformId, periodStart, usageCount)
SELECT platformId, ?2, 1 FROM platforms WHERE clerkUserId = ?1 AND deletedAt IS NULL
ON CONFLICT (platformId, periodStart) DO UPDATE SET usageCount = usageCount + 1
WHERE usageCount < (SELECT CASE WHEN {_paid("?3")} THEN {PAID_ALLOWANCE} ELSE {FREE_ALLOWANCE} END
  FROM platforms p WHERE p.platformId = platform_usage_counts.platformId)
RETURNING usageCount
""")

# Reads the count of developer ?1 in the period ?2.
READ_COUNT = Sql("""
SELECT c.usageCount FROM platforms p
JOIN platform_usage_counts c ON c.platformId = p.platformId AND c.periodStart = ?2
WHERE p.clerkUserId = ?1
""")


@dataclass(frozen=True, slots=True)
class CountedCall:
    """The outcome of `count_call`. `platform` is None for a developer whose account was deleted."""

    platform: Platform | None
    was_counted: bool
    usage_count: int


async def count_call(db: Database, platform_id: str, clerk_user_id: str, period_start: str, now: str) -> CountedCall:
    """Counts one call if the allowance has room. Creates the developer's platform first, with this id if it is new."""
    _, counted, found, counts = await db.batch(
        [
            CREATE.bind(platform_id, clerk_user_id, now),
            COUNT_CALL.bind(clerk_user_id, period_start, now),
            FIND_BY_CLERK_USER.bind(clerk_user_id),
            READ_COUNT.bind(clerk_user_id, period_start),
        ]
    )
    platform = _platform_from(found[0]) if found else None
    return CountedCall(platform, bool(counted), counts[0]["usageCount"] if counts else 0)
