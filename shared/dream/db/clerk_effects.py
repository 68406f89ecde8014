"""Effects on end users at Clerk. No other module enqueues an effect on an end user at Clerk.

`_for_proven_users` builds every statement, so an effect exists only for a user whose membership in the project is proven. A row
that a backend made with `X-User-Id` leads to nothing at Clerk.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from dream.db import plan_in_force
from dream.db.outbox import IfEnqueued, insert_effects
from dream.runtime.bindings import Bound, Sql

Kind: TypeAlias = Literal["set_public_metadata", "delete_user"]

PROVEN = "u.provenAt IS NOT NULL"

# The mode of the project names the Clerk instance.
_USERS = """FROM projects p
JOIN (SELECT 'test' AS mode, 'END_USERS_TEST' AS instance UNION ALL SELECT 'live', 'END_USERS_LIVE') i ON i.mode = p.mode
JOIN end_users u ON u.publishableKey = p.publishableKey"""


def _for_proven_users(
    kind: Kind, payload: str, now: str, where: str, *, joins: str = "", if_enqueued: IfEnqueued = "replace"
) -> Sql:
    """One effect for each proven end user `u` of the projects `p` that `where` selects. The subject names the project too, so that
    the effects of two projects on one user do not replace each other.
    """
    return insert_effects(
        f"'{kind}'",
        "i.instance || ':' || u.clerkUserId || ':' || p.publishableKey",
        f"json_object('instance', i.instance, 'userId', u.clerkUserId, {payload})",
        now,
        f"{_USERS}{joins}\nWHERE {PROVEN} AND {where}",
        if_enqueued=if_enqueued,
    )


# Project ?1, user ?2, now ?3.
_PROJECT_AND_PLAN = f"""'publicMetadata', json_object('publishableKey', u.publishableKey,
  'plan', {plan_in_force.plan_of("u.publishableKey")})"""
_PAID = f"\n{plan_in_force.join_paid('u.publishableKey', 'u.clerkUserId', '?3')}"
_USER = "p.publishableKey = ?1 AND u.clerkUserId = ?2"

# Enqueues the public metadata of one user: the project and the plan in force.
SHOW_PLAN = _for_proven_users("set_public_metadata", _PROJECT_AND_PLAN, "?3", _USER, joins=_PAID)

# The same, only if the membership was proven at ?3, which is in this batch.
SHOW_PLAN_OF_NEW_MEMBER = _for_proven_users(
    "set_public_metadata", _PROJECT_AND_PLAN, "?3", f"{_USER} AND u.provenAt = ?3", joins=_PAID
)

# Enqueues the deletion of the Clerk user, if no other project has a proven membership of theirs. `onlyOf` makes the effect check
# that the metadata at Clerk name this project.
DELETE_USER = _for_proven_users(
    "delete_user",
    "'onlyOf', u.publishableKey",
    "?3",
    f"""{_USER} AND NOT EXISTS (
    SELECT 1 FROM end_users e WHERE e.clerkUserId = ?2 AND e.publishableKey <> ?1 AND e.provenAt IS NOT NULL)""",
    if_enqueued="leave",
)

# Removes project and plan from the metadata of all users of project ?2 of platform ?1, or of all its projects if ?2 is NULL.
CLEAR_METADATA = _for_proven_users(
    "set_public_metadata",
    "'onlyOf', p.publishableKey, 'publicMetadata', json_object('publishableKey', NULL, 'plan', NULL)",
    "?3",
    "p.platformId = ?1 AND (?2 IS NULL OR p.publishableKey = ?2)",
)


def show_plan(publishable_key: str, user_id: str, now: str) -> Bound:
    """Enqueues: Clerk shows the project and the plan as they are after the statements before this one in the batch."""
    return SHOW_PLAN.bind(publishable_key, user_id, now)


def show_plan_of_new_member(publishable_key: str, user_id: str, now: str) -> Bound:
    """As `show_plan`, if this batch proved the membership. Takes the same `now` as `end_users.join`."""
    return SHOW_PLAN_OF_NEW_MEMBER.bind(publishable_key, user_id, now)


def delete_user(publishable_key: str, user_id: str, now: str) -> Bound:
    """Enqueues the deletion of the Clerk user, if they belong to no other project. Comes before the deletion of the row."""
    return DELETE_USER.bind(publishable_key, user_id, now)


def clear_metadata(platform_id: str, publishable_key: str | None, now: str) -> Bound:
    """Enqueues: the users of the project, or of all projects (None), belong to none. Comes before the projects are deleted."""
    return CLEAR_METADATA.bind(platform_id, publishable_key, now)
