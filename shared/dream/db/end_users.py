"""`end_users`: which users belong to a project, their profile, and the plan that the developer set for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from dream.db import plan_in_force
from dream.db.deleted_end_users import IS_DELETED
from dream.domain.clerk_objects import ClerkUser
from dream.domain.end_users import EndUserChange, NewEndUser
from dream.domain.keys import Mode
from dream.runtime.bindings import Bound, Database, Row, Sql

Membership: TypeAlias = Literal["member", "stranger", "unbound", "deleted"]
"""Of a user in a project: proven to belong to it; belongs to another project; belongs to none yet; was deleted from this one after
the token was issued.
"""

# Inserts a user on the default tier, if the project does not know the user.
PROVISION = Sql("""
INSERT INTO end_users (publishableKey, clerkUserId, createdAt, updatedAt) VALUES (?1, ?2, ?3, ?3)
ON CONFLICT (publishableKey, clerkUserId) DO NOTHING
""")

# The project in the token's claim outranks any row, and only proven rows count. The claim of a deleted project counts for nothing.
_CLAIMED_ELSEWHERE = "({claimed} IS NOT {project} AND EXISTS (SELECT 1 FROM projects WHERE publishableKey = {claimed}))"
_PROVEN_ELSEWHERE = """({claimed} IS NOT {project} AND EXISTS (
    SELECT 1 FROM end_users WHERE clerkUserId = {user} AND publishableKey <> {project} AND provenAt IS NOT NULL))"""

# Finds the membership of user ?2 in project ?1. ?3 is the project that the user's token claims, or NULL; ?4 is when it was issued.
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

# Proves the membership of a user whose token came. The counts of an unproven row stay. If two projects see the token of a new user
# at the same moment, one of them gets the user. ?7 is the project that the token or Clerk claims, or NULL; ?8 is when the token was
# issued.
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

# Finds the address and the Stripe customer of a user.
FIND_BILLING = Sql("SELECT email, stripeCustomerId FROM end_users WHERE publishableKey = ?1 AND clerkUserId = ?2")

# Stores the Stripe customer ?4 of a user in place of the customer ?6 that the caller knew, and returns the customer that is stored
# now. Of two calls at once, the first one's customer stays.
SET_CUSTOMER = Sql("""
INSERT INTO end_users (publishableKey, clerkUserId, email, stripeCustomerId, createdAt, updatedAt)
VALUES (?1, ?2, ?3, ?4, ?5, ?5)
ON CONFLICT (publishableKey, clerkUserId) DO UPDATE SET
  stripeCustomerId = CASE WHEN stripeCustomerId IS ?6 THEN excluded.stripeCustomerId ELSE stripeCustomerId END,
  email = coalesce(email, excluded.email), updatedAt = excluded.updatedAt
RETURNING stripeCustomerId AS answer
""")

# Inserts a user whom `POST /api/customers` created; creation proves the membership. Returns no row for a user whose membership in
# any project, this one included, was proven before.
CREATE = Sql("""
INSERT INTO end_users (publishableKey, clerkUserId, email, firstName, lastName, plan, provenAt, createdAt, updatedAt)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?7
WHERE NOT EXISTS (SELECT 1 FROM end_users WHERE clerkUserId = ?2 AND provenAt IS NOT NULL)
ON CONFLICT (publishableKey, clerkUserId) DO UPDATE SET
  email = excluded.email, firstName = excluded.firstName, lastName = excluded.lastName, plan = excluded.plan,
  provenAt = excluded.provenAt, updatedAt = excluded.updatedAt
RETURNING clerkUserId
""")

# Changes a user: the plan if ?3 is 1, and the names that are not NULL.
CHANGE = Sql("""
UPDATE end_users SET plan = CASE WHEN ?3 = 1 THEN ?4 ELSE plan END,
  firstName = coalesce(?5, firstName), lastName = coalesce(?6, lastName), updatedAt = ?7
WHERE publishableKey = ?1 AND clerkUserId = ?2
RETURNING clerkUserId
""")

# Deletes a user and returns the address.
DELETE = Sql("DELETE FROM end_users WHERE publishableKey = ?1 AND clerkUserId = ?2 RETURNING email")

# Whether the membership of a user is proven.
IS_PROVEN = Sql("""
SELECT 1 AS answer FROM end_users WHERE publishableKey = ?1 AND clerkUserId = ?2 AND provenAt IS NOT NULL
""")

# Stores the profile that Clerk sent, unless D1 has a newer one. It changes only the project that Clerk names, and only a proven
# member, so that nobody learns an address by naming a user.
SET_PROFILE = Sql("""
UPDATE end_users SET email = coalesce(?3, email), firstName = ?4, lastName = ?5, clerkUpdatedAt = ?6, updatedAt = ?7
WHERE publishableKey = ?1 AND clerkUserId = ?2 AND provenAt IS NOT NULL
  AND (clerkUpdatedAt IS NULL OR clerkUpdatedAt <= ?6)
""")

# Lists the projects of a mode that know a user. It has no publishableKey in WHERE: a user who is deleted at Clerk leaves them all.
LIST_PROJECTS_OF_CLERK_USER = Sql("""
SELECT u.publishableKey FROM end_users u JOIN projects p ON p.publishableKey = u.publishableKey
WHERE u.clerkUserId = ?1 AND p.mode = ?2
""")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A user whose token came to a project. `claimed` is the project that the token, or Clerk itself, says they belong to."""

    publishable_key: str
    user_id: str
    claimed: str | None
    issued_at: str
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """What became of an arrival: the membership, and the plan in force (None in a store)."""

    membership: Membership
    plan: str | None


@dataclass(frozen=True, slots=True)
class BillingProfile:
    """The address and the Stripe customer of a user, as far as D1 knows them."""

    email: str | None
    customer_id: str | None


@dataclass(frozen=True, slots=True)
class DeletedEndUser:
    """A user who was deleted just now."""

    email: str | None


async def provision(db: Database, publishable_key: str, user_id: str, now: str) -> None:
    """Makes the user known to the project, on its default tier. Does nothing for a user who is known."""
    await db.run(PROVISION, publishable_key, user_id, now)


async def find_membership(
    db: Database, publishable_key: str, user_id: str, claimed: str | None, issued_at: str
) -> Membership:
    """The user's membership. `claimed` is the project in the token's claim, `issued_at` when the token was issued (ISO 8601 UTC)."""
    return cast("Membership", await db.value(FIND_MEMBERSHIP, publishable_key, user_id, claimed, issued_at))


async def join(db: Database, arrival: Arrival, now: str, *, then: Sequence[Bound] = ()) -> Joined:
    """Proves the user's membership, unless they belong to another project or were deleted; then runs `then` in the same batch.

    Raises ConstraintFailed if the project does not exist any more.
    """
    key, user_id, claimed, issued_at = arrival.publishable_key, arrival.user_id, arrival.claimed, arrival.issued_at
    _, memberships, plans, *_ = await db.batch(
        [
            JOIN.bind(key, user_id, arrival.email, arrival.first_name, arrival.last_name, now, claimed, issued_at),
            FIND_MEMBERSHIP.bind(key, user_id, claimed, issued_at),
            plan_in_force.of_user(key, user_id, now),
            *then,
        ]
    )
    return Joined(cast("Membership", memberships[0]["answer"]), plan_in_force.from_rows(plans).plan)


def billing_profile_from(rows: list[Row]) -> BillingProfile:
    """What FIND_BILLING found. For modules of `db` only."""
    return BillingProfile(rows[0]["email"], rows[0]["stripeCustomerId"]) if rows else BillingProfile(None, None)


async def set_customer(
    db: Database,
    publishable_key: str,
    user_id: str,
    email: str | None,
    customer_id: str,
    previous: str | None,
    now: str,
) -> str:
    """Stores a Stripe customer in place of the previous one. Returns the customer that is stored now."""
    return await db.value(SET_CUSTOMER, publishable_key, user_id, email, customer_id, now, previous)


def create(publishable_key: str, user_id: str, new: NewEndUser, plan: str | None, now: str) -> Bound:
    """Inserts the user. Returns no row if they belong to a project already."""
    return CREATE.bind(publishable_key, user_id, new.email, new.first_name, new.last_name, plan, now)


def change(publishable_key: str, user_id: str, change: EndUserChange, plan: str | None, now: str) -> Bound:
    """Changes plan and names; counts stay as they are. Returns no row if the project does not know the user."""
    return CHANGE.bind(publishable_key, user_id, int(change.sets_plan), plan, change.first_name, change.last_name, now)


def delete(publishable_key: str, user_id: str) -> Bound:
    """Deletes the user. `deleted_user_from` reads its rows."""
    return DELETE.bind(publishable_key, user_id)


def deleted_user_from(rows: list[Row]) -> DeletedEndUser | None:
    """What `delete` deleted. None if the project did not know the user."""
    return DeletedEndUser(rows[0]["email"]) if rows else None


async def is_proven(db: Database, publishable_key: str, user_id: str) -> bool:
    """Whether the membership is proven. Only then may this project change the user's profile at Clerk."""
    return await db.value(IS_PROVEN, publishable_key, user_id) is not None


def set_profile(user: ClerkUser, now: str) -> Bound:
    """Stores address and names as Clerk has them, unless D1 has newer ones. An address that is not verified is not stored."""
    email = user.email if user.email_verified else None
    return SET_PROFILE.bind(user.publishable_key, user.id, email, user.first_name, user.last_name, user.updated_at, now)


async def record_profile(db: Database, user: ClerkUser, now: str) -> None:
    """`set_profile`, outside of a batch."""
    bound = set_profile(user, now)
    await db.run(bound.statement, *bound.values)


async def list_projects_of_clerk_user(db: Database, user_id: str, mode: Mode) -> list[str]:
    """The publishable keys of the projects of this mode that know the user."""
    return [row["publishableKey"] for row in await db.all(LIST_PROJECTS_OF_CLERK_USER, user_id, mode)]
