"""What the outbox is to do to end users at Clerk. No other module enqueues an effect on an end user at Clerk.

Every statement is made by `_of_proven_users`, so an effect exists only for a user whose membership in the project is proven. A row
that a backend made with `X-User-Id` leads to nothing at Clerk.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from dream.runtime.bindings import Bound, Sql

Kind: TypeAlias = Literal["set_public_metadata", "delete_user"]

PROVEN = "u.provenAt IS NOT NULL"

_RENEW = """DO UPDATE SET
  payload = excluded.payload, version = version + 1, attempts = 0, nextAttemptAt = excluded.nextAttemptAt, lastError = NULL"""

# The mode of the project names the Clerk instance.
_USERS = """FROM projects p
JOIN (SELECT 'test' AS mode, 'END_USERS_TEST' AS instance UNION ALL SELECT 'live', 'END_USERS_LIVE') i ON i.mode = p.mode
JOIN end_users u ON u.publishableKey = p.publishableKey"""


def _of_proven_users(kind: Kind, payload: str, now: str, where: str, *, joins: str = "", repeated: str = _RENEW) -> Sql:
    """One effect for each proven end user `u` of the projects `p` that `where` selects."""
    return Sql(f"""
INSERT INTO outbox (kind, subject, payload, nextAttemptAt, createdAt)
SELECT '{kind}', i.instance || ':' || u.clerkUserId || ':' || p.publishableKey,
  json_object('instance', i.instance, 'userId', u.clerkUserId, {payload}), {now}, {now}
{_USERS}{joins}
WHERE {PROVEN} AND {where}
ON CONFLICT (kind, subject) {repeated}
""")


# The plan as calls are counted by it. Project ?1, user ?2, past due since then still entitles ?3, now ?4.
_PLAN = """'publicMetadata', json_object('publishableKey', u.publishableKey, 'plan', coalesce(s.plan, u.plan, (
    SELECT d.name FROM tiers d
    WHERE d.publishableKey = u.publishableKey AND d.billingMode = 'subscription' AND d.archivedAt IS NULL
    ORDER BY d.name <> 'free', d.price LIMIT 1)))"""
_SUBSCRIPTION = """
LEFT JOIN subscriptions s ON s.publishableKey = u.publishableKey AND s.userId = u.clerkUserId
  AND (s.status IN ('active', 'trialing') OR (s.status = 'past_due' AND s.pastDueSince > ?3))"""
_USER = "p.publishableKey = ?1 AND u.clerkUserId = ?2"

SHOW_PLAN = _of_proven_users("set_public_metadata", _PLAN, "?4", _USER, joins=_SUBSCRIPTION)

# Only for a user who was proven by this batch.
SHOW_PLAN_OF_NEW = _of_proven_users(
    "set_public_metadata", _PLAN, "?4", f"{_USER} AND u.provenAt = ?4", joins=_SUBSCRIPTION
)

# The Clerk user goes with their last proven membership. `onlyOf`: only if Clerk has them in this project.
DELETE_USER = _of_proven_users(
    "delete_user",
    "'onlyOf', u.publishableKey",
    "?3",
    f"""{_USER} AND NOT EXISTS (
    SELECT 1 FROM end_users e WHERE e.clerkUserId = ?2 AND e.publishableKey <> ?1 AND e.provenAt IS NOT NULL)""",
    repeated="DO NOTHING",
)

# Projects of platform ?1: project ?2, or all when it is NULL. Their users lose the project that their metadata name.
LEAVE_PROJECTS = _of_proven_users(
    "set_public_metadata",
    "'onlyOf', p.publishableKey, 'publicMetadata', json_object('publishableKey', NULL, 'plan', NULL)",
    "?3",
    "p.platformId = ?1 AND (?2 IS NULL OR p.publishableKey = ?2)",
)


def show_plan(publishable_key: str, user_id: str, past_due_after: str, now: str) -> Bound:
    """Enqueue: Clerk shows project and plan as they are after the statements before this one."""
    return SHOW_PLAN.bind(publishable_key, user_id, past_due_after, now)


def show_plan_of_new(publishable_key: str, user_id: str, past_due_after: str, now: str) -> Bound:
    """As `show_plan`, if this batch proved the membership. Takes the same `now` as `end_users.join`."""
    return SHOW_PLAN_OF_NEW.bind(publishable_key, user_id, past_due_after, now)


def delete_user(publishable_key: str, user_id: str, now: str) -> Bound:
    """Enqueue: the user is deleted at Clerk, if no other project has them. Comes before the deletion of the row."""
    return DELETE_USER.bind(publishable_key, user_id, now)


def leave_projects(platform_id: str, publishable_key: str | None, now: str) -> Bound:
    """Enqueue: the users of a project, or of all (None), belong to none. Comes before the deletion of the projects."""
    return LEAVE_PROJECTS.bind(platform_id, publishable_key, now)
