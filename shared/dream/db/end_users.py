"""`end_users`: who belongs to a project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from dream.db.deleted_end_users import IS_DELETED
from dream.domain.clerk_objects import ClerkUser
from dream.domain.end_users import EndUserChange, NewEndUser
from dream.domain.keys import Mode
from dream.runtime.bindings import Bound, Database, Sql

Membership: TypeAlias = Literal["member", "stranger", "unbound", "deleted"]
"""Of a user in a project: proven to belong to it, belongs to another one, to none yet, or was deleted after the token was issued."""

PROVISION = Sql("""
INSERT INTO end_users (publishableKey, clerkUserId, createdAt, updatedAt) VALUES (?1, ?2, ?3, ?3)
ON CONFLICT (publishableKey, clerkUserId) DO NOTHING
""")

# A claim comes before any row, and only proven rows count. A deleted project claims nothing.
_CLAIMED_ELSEWHERE = "({claimed} IS NOT {project} AND EXISTS (SELECT 1 FROM projects WHERE publishableKey = {claimed}))"
_PROVEN_ELSEWHERE = """({claimed} IS NOT {project} AND EXISTS (
    SELECT 1 FROM end_users WHERE clerkUserId = {user} AND publishableKey <> {project} AND provenAt IS NOT NULL))"""

# ?3 is the project that the user's token claims, or NULL; ?4 is when it was issued.
_ASKED = {"project": "?1", "user": "?2", "claimed": "?3", "issued": "?4"}
FIND_MEMBERSHIP = Sql(f"""
SELECT CASE
  WHEN {IS_DELETED.format(**_ASKED)} THEN 'deleted'
  WHEN {_CLAIMED_ELSEWHERE.format(**_ASKED)} THEN 'stranger'
  WHEN EXISTS (SELECT 1 FROM end_users WHERE publishableKey = ?1 AND clerkUserId = ?2 AND provenAt IS NOT NULL)
    THEN 'member'
  WHEN {_PROVEN_ELSEWHERE.format(**_ASKED)} THEN 'stranger'
  ELSE 'unbound' END AS answer
""")

# The user's token arrived: the membership is proven, and counts of an unproven row stay. Of two projects that see a new user at
# the same moment, one gets them. ?7 is the project that token or Clerk claims, or NULL; ?8 is when the token was issued.
_ARRIVED = {"project": "?1", "user": "?2", "claimed": "?7", "issued": "?8"}
JOIN = Sql(f"""
INSERT INTO end_users (publishableKey, clerkUserId, email, firstName, lastName, provenAt, createdAt, updatedAt)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?6, ?6
WHERE NOT {IS_DELETED.format(**_ARRIVED)} AND NOT {_CLAIMED_ELSEWHERE.format(**_ARRIVED)}
  AND (NOT {_PROVEN_ELSEWHERE.format(**_ARRIVED)}
    OR EXISTS (SELECT 1 FROM end_users WHERE publishableKey = ?1 AND clerkUserId = ?2 AND provenAt IS NOT NULL))
ON CONFLICT (publishableKey, clerkUserId) DO UPDATE SET
  provenAt = coalesce(provenAt, excluded.provenAt), email = coalesce(email, excluded.email),
  firstName = coalesce(firstName, excluded.firstName), lastName = coalesce(lastName, excluded.lastName)
WHERE provenAt IS NULL OR (email IS NULL AND excluded.email IS NOT NULL)
  OR (firstName IS NULL AND excluded.firstName IS NOT NULL) OR (lastName IS NULL AND excluded.lastName IS NOT NULL)
""")


async def provision(db: Database, publishable_key: str, user_id: str, now: str) -> None:
    """Make the user known to the project, on its default tier; nothing happens to one who is known."""
    await db.run(PROVISION, publishable_key, user_id, now)


async def find_membership(
    db: Database, publishable_key: str, user_id: str, claimed: str | None, issued_at: str
) -> Membership:
    """Whether the user belongs to the project. `claimed` is the project that their token names, `issued_at` when it was issued."""
    return cast("Membership", await db.value(FIND_MEMBERSHIP, publishable_key, user_id, claimed, issued_at))


@dataclass(frozen=True, slots=True)
class Arrival:
    """A user whose token arrived at a project. `claimed` is the project that the token, or Clerk itself, has them in."""

    publishable_key: str
    user_id: str
    claimed: str | None
    issued_at: str
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None


def join(arrival: Arrival, now: str) -> list[Bound]:
    """Make the user the project's own, unless they are another's or were deleted. The second statement's row has the membership.

    The batch raises ConstraintFailed when the project is gone.
    """
    key, user_id, claimed, issued_at = arrival.publishable_key, arrival.user_id, arrival.claimed, arrival.issued_at
    return [
        JOIN.bind(key, user_id, arrival.email, arrival.first_name, arrival.last_name, now, claimed, issued_at),
        FIND_MEMBERSHIP.bind(key, user_id, claimed, issued_at),
    ]


# Billing ---------------------------------------------------------------------------------------------------

FIND = Sql("""
SELECT clerkUserId, email, firstName, lastName, plan, stripeCustomerId, createdAt FROM end_users
WHERE publishableKey = ?1 AND clerkUserId = ?2
""")

# Stored only over the customer that the caller knew (?6): of two calls at once the first one's customer stays.
SET_CUSTOMER = Sql("""
INSERT INTO end_users (publishableKey, clerkUserId, email, stripeCustomerId, createdAt, updatedAt)
VALUES (?1, ?2, ?3, ?4, ?5, ?5)
ON CONFLICT (publishableKey, clerkUserId) DO UPDATE SET
  stripeCustomerId = CASE WHEN stripeCustomerId IS ?6 THEN excluded.stripeCustomerId ELSE stripeCustomerId END,
  email = coalesce(email, excluded.email), updatedAt = excluded.updatedAt
RETURNING stripeCustomerId AS answer
""")


def of_user(publishable_key: str, user_id: str) -> Bound:
    """The user as the project knows them."""
    return FIND.bind(publishable_key, user_id)


async def set_customer(
    db: Database,
    publishable_key: str,
    user_id: str,
    email: str | None,
    customer_id: str,
    previous: str | None,
    now: str,
) -> str:
    """Give the user a Stripe customer in place of the previous one; the customer that they have now."""
    return await db.value(SET_CUSTOMER, publishable_key, user_id, email, customer_id, now, previous)


# Customers, as the developer's backend manages them ---------------------------------------------------------

# A user who proved themselves anywhere, here included, is not created again. Creation proves.
CREATE = Sql("""
INSERT INTO end_users (publishableKey, clerkUserId, email, firstName, lastName, plan, provenAt, createdAt, updatedAt)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?7
WHERE NOT EXISTS (SELECT 1 FROM end_users WHERE clerkUserId = ?2 AND provenAt IS NOT NULL)
ON CONFLICT (publishableKey, clerkUserId) DO UPDATE SET
  email = excluded.email, firstName = excluded.firstName, lastName = excluded.lastName, plan = excluded.plan,
  provenAt = excluded.provenAt, updatedAt = excluded.updatedAt
RETURNING clerkUserId
""")

# A plan is set when ?3 is 1, names when they are given.
CHANGE = Sql("""
UPDATE end_users SET plan = CASE WHEN ?3 = 1 THEN ?4 ELSE plan END,
  firstName = coalesce(?5, firstName), lastName = coalesce(?6, lastName), updatedAt = ?7
WHERE publishableKey = ?1 AND clerkUserId = ?2
RETURNING clerkUserId
""")

DELETE = Sql("DELETE FROM end_users WHERE publishableKey = ?1 AND clerkUserId = ?2 RETURNING email")

IS_PROVEN = Sql("""
SELECT 1 AS answer FROM end_users WHERE publishableKey = ?1 AND clerkUserId = ?2 AND provenAt IS NOT NULL
""")


def create(publishable_key: str, user_id: str, new: NewEndUser, plan: str | None, now: str) -> Bound:
    """Make the user this project's. Has no row when they are some project's already."""
    return CREATE.bind(publishable_key, user_id, new.email, new.first_name, new.last_name, plan, now)


def change(publishable_key: str, user_id: str, wanted: EndUserChange, plan: str | None, now: str) -> Bound:
    """Set what is wanted; usage counts are none of it. Has no row when there is no such user."""
    return CHANGE.bind(publishable_key, user_id, int(wanted.sets_plan), plan, wanted.first_name, wanted.last_name, now)


def delete(publishable_key: str, user_id: str) -> Bound:
    """Forget the user. Has no row when there is no such user."""
    return DELETE.bind(publishable_key, user_id)


async def is_proven(db: Database, publishable_key: str, user_id: str) -> bool:
    """Whether the user's membership is proven, so that their profile at Clerk is this project's to change."""
    return await db.value(IS_PROVEN, publishable_key, user_id) is not None


# What Clerk says of them -------------------------------------------------------------------------------------

# What the user pays for and what the user gets; a store has no plans. Moment ?3: past due since then still entitles.
FIND_PLAN = Sql("""
SELECT s.plan AS paidPlan, coalesce(s.plan, u.plan, (
  SELECT d.name FROM tiers d
  WHERE d.publishableKey = p.publishableKey AND d.billingMode = 'subscription' AND d.archivedAt IS NULL
  ORDER BY d.name <> 'free', d.price LIMIT 1)) AS plan
FROM projects p
LEFT JOIN end_users u ON u.publishableKey = p.publishableKey AND u.clerkUserId = ?2
LEFT JOIN subscriptions s ON s.publishableKey = p.publishableKey AND s.userId = ?2
  AND (s.status IN ('active', 'trialing') OR (s.status = 'past_due' AND s.pastDueSince > ?3))
WHERE p.publishableKey = ?1
""")

# Of one project: the one that Clerk has the user in, and only of a proven member, so that nobody learns an address by naming a user.
SET_PROFILE = Sql("""
UPDATE end_users SET email = coalesce(?3, email), firstName = ?4, lastName = ?5, clerkUpdatedAt = ?6, updatedAt = ?7
WHERE publishableKey = ?1 AND clerkUserId = ?2 AND provenAt IS NOT NULL
  AND (clerkUpdatedAt IS NULL OR clerkUpdatedAt <= ?6)
""")

# By the user: whoever is gone at Clerk is gone from every project of the mode.
LIST_PROJECTS_OF_CLERK_USER = Sql("""
SELECT u.publishableKey FROM end_users u JOIN projects p ON p.publishableKey = u.publishableKey
WHERE u.clerkUserId = ?1 AND p.mode = ?2
""")


def plan_of(publishable_key: str, user_id: str, past_due_after: str) -> Bound:
    """`plan` as it is in force, and `paidPlan` when a subscription gives it."""
    return FIND_PLAN.bind(publishable_key, user_id, past_due_after)


def set_profile(user: ClerkUser, now: str) -> Bound:
    """Address and names as Clerk has them, unless something newer is known. An address without proof is not taken."""
    email = user.email if user.email_verified else None
    return SET_PROFILE.bind(user.publishable_key, user.id, email, user.first_name, user.last_name, user.updated_at, now)


async def record_profile(db: Database, user: ClerkUser, now: str) -> None:
    """`set_profile` on its own."""
    bound = set_profile(user, now)
    await db.run(bound.statement, *bound.values)


async def list_projects_of_clerk_user(db: Database, user_id: str, mode: Mode) -> list[str]:
    """The projects of this mode that know the user."""
    return [row["publishableKey"] for row in await db.all(LIST_PROJECTS_OF_CLERK_USER, user_id, mode)]
