"""`end_users`: who belongs to a project."""

from __future__ import annotations

from typing import Literal, TypeAlias, cast

from dream.bindings import Bound, Database, Sql
from dream.domain.clerk_objects import ClerkUser
from dream.domain.end_users import EndUserChange, NewEndUser
from dream.domain.keys import Mode

Membership: TypeAlias = Literal["member", "stranger", "unbound"]
"""Of a user in a project: belongs to it, belongs to another one, or to none yet."""

PROVISION = Sql("""
INSERT INTO end_users (publishableKey, clerkUserId, createdAt, updatedAt) VALUES (?1, ?2, ?3, ?3)
ON CONFLICT (publishableKey, clerkUserId) DO NOTHING
""")

# ?3 is the project that the user's token claims, or NULL; one that was deleted since claims nothing.
FIND_MEMBERSHIP = Sql("""
SELECT CASE
  WHEN EXISTS (SELECT 1 FROM end_users WHERE publishableKey = ?1 AND clerkUserId = ?2) THEN 'member'
  WHEN EXISTS (SELECT 1 FROM end_users WHERE clerkUserId = ?2)
    OR EXISTS (SELECT 1 FROM projects WHERE publishableKey = ?3) THEN 'stranger'
  ELSE 'unbound' END AS answer
""")

# Of two projects that see a new user at the same moment, one gets them.
BIND = Sql("""
INSERT INTO end_users (publishableKey, clerkUserId, email, createdAt, updatedAt)
SELECT ?1, ?2, ?3, ?4, ?4 WHERE NOT EXISTS (SELECT 1 FROM end_users WHERE clerkUserId = ?2)
ON CONFLICT (publishableKey, clerkUserId) DO NOTHING
""")


async def provision(db: Database, publishable_key: str, user_id: str, now: str) -> None:
    """Make the user known to the project, on its default tier; nothing happens to one who is known."""
    await db.run(PROVISION, publishable_key, user_id, now)


async def find_membership(db: Database, publishable_key: str, user_id: str, claimed: str | None) -> Membership:
    """Whether the user belongs to the project, to another one, or to none. `claimed` is the project that their token names."""
    return cast("Membership", await db.value(FIND_MEMBERSHIP, publishable_key, user_id, claimed))


async def bind(db: Database, publishable_key: str, user_id: str, email: str | None, now: str) -> bool:
    """Make a user of no project this project's. Whether they are its own now; ConstraintFailed when the project is gone."""
    statements = [
        BIND.bind(publishable_key, user_id, email, now),
        FIND_MEMBERSHIP.bind(publishable_key, user_id, None),
    ]
    return (await db.batch(statements))[1][0]["answer"] == "member"


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

# A user of any project, this one included, is not made again.
CREATE = Sql("""
INSERT INTO end_users (publishableKey, clerkUserId, email, firstName, lastName, plan, createdAt, updatedAt)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7 WHERE NOT EXISTS (SELECT 1 FROM end_users WHERE clerkUserId = ?2)
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

# After DELETE: the Clerk user goes with the last project, if Clerk too has them as this project's. Instance ?3.
OWE_DELETING_CLERK_USER = Sql("""
INSERT INTO outbox (kind, subject, payload, nextAttemptAt, createdAt)
SELECT 'delete_user', ?3 || ':' || ?2, json_object('instance', ?3, 'userId', ?2, 'onlyOf', ?1), ?4, ?4
WHERE NOT EXISTS (SELECT 1 FROM end_users WHERE clerkUserId = ?2)
ON CONFLICT (kind, subject) DO NOTHING
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


def owe_deleting_clerk_user(publishable_key: str, user_id: str, instance: str, now: str) -> Bound:
    return OWE_DELETING_CLERK_USER.bind(publishable_key, user_id, instance, now)


# Users who come in through sign-up, and what Clerk says of them -----------------------------------------------

# ?7 is the project that Clerk has the user in, or NULL; one that was deleted since counts for none. A row alone proves nothing:
# a developer's backend may name any user, and a token must not be handed to a project that only named them.
JOIN = Sql("""
INSERT INTO end_users (publishableKey, clerkUserId, email, firstName, lastName, createdAt, updatedAt)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?6
WHERE ?7 IS ?1
  OR NOT (EXISTS (SELECT 1 FROM projects WHERE publishableKey = ?7)
    OR EXISTS (SELECT 1 FROM end_users WHERE clerkUserId = ?2 AND publishableKey <> ?1))
ON CONFLICT (publishableKey, clerkUserId) DO UPDATE SET
  email = coalesce(email, excluded.email), firstName = coalesce(firstName, excluded.firstName),
  lastName = coalesce(lastName, excluded.lastName)
RETURNING clerkUserId
""")

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

# Of one project: the one that Clerk has the user in, so that nobody learns an address by naming a user.
SET_PROFILE = Sql("""
UPDATE end_users SET email = coalesce(?3, email), firstName = ?4, lastName = ?5, clerkUpdatedAt = ?6, updatedAt = ?7
WHERE publishableKey = ?1 AND clerkUserId = ?2 AND (clerkUpdatedAt IS NULL OR clerkUpdatedAt <= ?6)
""")

# By the user: whoever is gone at Clerk is gone from every project of the mode.
LIST_PROJECTS_OF_CLERK_USER = Sql("""
SELECT u.publishableKey FROM end_users u JOIN projects p ON p.publishableKey = u.publishableKey
WHERE u.clerkUserId = ?1 AND p.mode = ?2
""")


def join(
    publishable_key: str,
    user_id: str,
    claimed: str | None,
    email: str | None,
    first_name: str | None,
    last_name: str | None,
    now: str,
) -> Bound:
    """Make the user the project's own. `claimed` is the project that Clerk has them in.

    Has a row when they are its own now, none when they are another's; ConstraintFailed when the project is gone.
    """
    return JOIN.bind(publishable_key, user_id, email, first_name, last_name, now, claimed)


def plan_of(publishable_key: str, user_id: str, past_due_after: str) -> Bound:
    """`plan` as it is in force, and `paidPlan` when a subscription gives it."""
    return FIND_PLAN.bind(publishable_key, user_id, past_due_after)


def set_profile(user: ClerkUser, changed_at: str, now: str) -> Bound:
    """Address and names as Clerk has them, unless something newer is known. An address without proof is not taken."""
    email = user.email if user.email_verified else None
    return SET_PROFILE.bind(user.publishable_key, user.id, email, user.first_name, user.last_name, changed_at, now)


async def list_projects_of_clerk_user(db: Database, user_id: str, mode: Mode) -> list[str]:
    """The projects of this mode that know the user."""
    return [row["publishableKey"] for row in await db.all(LIST_PROJECTS_OF_CLERK_USER, user_id, mode)]
