"""Which plan of an end user is in force. Every statement that needs the plan uses the fragments of this module.

The rule, by precedence:
1. The plan of the user's subscription, if the subscription entitles: it is `active` or `trialing`, or it is `past_due` and its grace
   time has not passed. The plan follows the price on the subscription; it is NULL if the price is of no tier.
2. The plan that the developer set through `/api/customers` (`end_users.plan`).
3. Under a secret key only: the plan that the request names in `X-User-Plan`.
4. The project's default tier.

A statement that uses the fragments has the end user's row as `u` (or no row). It joins `paid`, the subscription that entitles, by
`join_paid`.
"""

from __future__ import annotations

from dataclasses import dataclass

from dream.domain.subscriptions import PAST_DUE_GRACE_SECONDS
from dream.runtime.bindings import Bound, Database, Row, Sql

ENTITLING_STATUSES = "('active', 'trialing')"
"""In these statuses a subscription gives its plan."""

STATUSES_WITH_PLAN = "('active', 'trialing', 'past_due')"
"""In these statuses a subscription gives its plan, at least until the grace time of `past_due` has passed."""

_END_OF_GRACE = f"strftime('%Y-%m-%dT%H:%M:%fZ', {{now}}, '-{PAST_DUE_GRACE_SECONDS} seconds')"

STORED_PLAN = "coalesce(subscriptionPlan, plan, '')"
"""The plan by which pages of customers are found, as an index of `end_users` has it. '' stands for the default tier.

An index can't follow the time: a `past_due` subscription counts here even after its grace time.
"""

STORED_STATUS = "coalesce(subscriptionStatus, 'none')"
"""The status by which pages of customers are found, as an index of `end_users` has it."""


def subscription_plan_stored(subscription: str) -> str:
    """What the triggers of schema.sql store in `end_users.subscriptionPlan`. A test holds their text equal to this."""
    return f"CASE WHEN {subscription}.status IN {STATUSES_WITH_PLAN} THEN {subscription}.plan END"


def join_paid(project: str, user: str, now: str) -> str:
    """Joins the subscription that entitles the user at `now`, as `paid`. Its columns are NULL if there is none."""
    return f"""LEFT JOIN subscriptions paid ON paid.publishableKey = {project} AND paid.userId = {user}
  AND (paid.status IN {ENTITLING_STATUSES}
    OR (paid.status = 'past_due' AND paid.pastDueSince > {_END_OF_GRACE.format(now=now)}))"""


def plan_of(project: str, *, named: str | None = None) -> str:
    """The name of the plan in force. `named` is the parameter with the plan that the request names."""
    named_too = "" if named is None else f"{named}, "
    return f"""coalesce(paid.plan, u.plan, {named_too}(
    SELECT d.name FROM tiers d
    WHERE d.publishableKey = {project} AND d.billingMode = 'subscription' AND d.archivedAt IS NULL
    ORDER BY d.name <> 'free', d.price, d.name LIMIT 1))"""


def period_start(month_start: str) -> str:
    """When the user's usage period began: the period of the subscription that entitles, else the calendar month."""
    return f"coalesce(paid.currentPeriodStart, {month_start})"


def period_end(month_end: str) -> str:
    """When the user's usage period ends."""
    return f"coalesce(paid.currentPeriodEnd, {month_end})"


# Reads the plan of user ?2 in project ?1 at ?3, and the plan that a subscription gives. A store has no plans.
FIND = Sql(f"""
SELECT paid.plan AS paidPlan, {plan_of("p.publishableKey")} AS plan
FROM projects p
LEFT JOIN end_users u ON u.publishableKey = p.publishableKey AND u.clerkUserId = ?2
{join_paid("p.publishableKey", "?2", "?3")}
WHERE p.publishableKey = ?1
""")


@dataclass(frozen=True, slots=True)
class PlanInForce:
    """The plan of an end user. `paid_plan` is set if a subscription gives it. Both are None in a store."""

    plan: str | None
    paid_plan: str | None


def of_user(publishable_key: str, user_id: str, now: str) -> Bound:
    """The statement that reads the plan at `now`. `from_rows` reads its rows."""
    return FIND.bind(publishable_key, user_id, now)


def from_rows(rows: list[Row]) -> PlanInForce:
    """What `of_user` found. A project that does not exist gives no plan."""
    return PlanInForce(rows[0]["plan"], rows[0]["paidPlan"]) if rows else PlanInForce(None, None)


async def find(db: Database, publishable_key: str, user_id: str, now: str) -> PlanInForce:
    """The plan in force at `now` (ISO 8601 UTC)."""
    row = await db.first(FIND, publishable_key, user_id, now)
    return from_rows([] if row is None else [row])
