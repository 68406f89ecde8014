"""`end_users`: who belongs to a project."""

from __future__ import annotations

from typing import Literal, TypeAlias, cast

from dream.bindings import Bound, Database, Sql

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
