"""`POST /oauth/complete`: adds a verified user to the project, unless they belong to another project.

The result decides whether an app gets the user's token. So the metadata at Clerk decide first which project the user belongs to, and
in D1 only proven memberships count: a backend may have created an unproven row with any user id.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from dream.auth.membership import UserDeleted
from dream.clients import clerk
from dream.db import clerk_effects, end_users
from dream.db.end_users import Arrival
from dream.domain.timestamps import iso
from dream.errors import Conflict, ConstraintFailed, Unauthorized
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime import checkpoints
from dream.runtime.context import Context
from sign_up.credentials.signed_in_user import SignedInUser

CLERK_TIMEOUT_SECONDS = 2.0
"""How long the answer waits until Clerk has stored the metadata, so that the next token has them. The outbox retries later."""


class BelongsToOtherProject(Conflict):
    """409: the user belongs to another project."""

    error = "Belongs to another project"
    code = "belongs_to_other_project"
    message = "This account belongs to another app. Sign in with another account."


@dataclass(frozen=True, slots=True)
class _UserAtClerk:
    """The publishable key in the user's metadata. Email address and names are set only if the user was read from Clerk."""

    publishable_key: str | None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None


async def complete(context: Context, request: Request, user: SignedInUser) -> Response:
    """Adds the user to the project, returns the plan in force, and stores both in the metadata at Clerk.

    If the token has the project, the metadata have it too. Repeating the request changes nothing. Raises Unauthorized, UserDeleted or
    BelongsToOtherProject.
    """
    publishable_key, user_id = user.project.publishable_key, user.claims.user_id
    user_at_clerk = await _user_at_clerk(context, user)
    now = context.now()
    try:
        arrival = Arrival(
            publishable_key,
            user_id,
            user_at_clerk.publishable_key,
            iso(user.claims.not_before),
            user_at_clerk.email or user.claims.email,
            user_at_clerk.first_name,
            user_at_clerk.last_name,
        )
        joined = await end_users.join(context.db, arrival, now)
    except ConstraintFailed:
        raise Unauthorized(
            "This publishable key is not valid.", code="invalid_api_key", reason="the project was deleted meanwhile"
        ) from None
    if joined.membership == "deleted":
        raise UserDeleted()
    if joined.membership != "member":
        raise BelongsToOtherProject()
    await checkpoints.reached("complete:joined")
    if user.claims.publishable_key != publishable_key:
        await context.db.batch([clerk_effects.show_plan(publishable_key, user_id, now)])
        await checkpoints.reached("complete:owed")
        await _update_clerk(context)
    answer = {"success": True, "userId": user_id, "publishableKey": publishable_key, "plan": joined.plan}
    return json_response(answer if user.redirect is None else {**answer, "redirect": user.redirect})


async def _user_at_clerk(context: Context, user: SignedInUser) -> _UserAtClerk:
    """A token that names this project is enough. Any other token may be older than the metadata, so the user is read from Clerk."""
    if user.claims.publishable_key == user.project.publishable_key:
        return _UserAtClerk(user.claims.publishable_key)
    found = await clerk.end_users(context, user.project.mode).get_user(user.claims.user_id)
    if found is None:
        raise Unauthorized(
            "The session token is not valid.", code="invalid_token", reason="the user was deleted at Clerk"
        )
    email = found.email if found.email_verified else None
    return _UserAtClerk(found.publishable_key, email, found.first_name, found.last_name)


async def _update_clerk(context: Context) -> None:
    """Delivers the outbox now. Does not wait longer than CLERK_TIMEOUT_SECONDS; the delivery goes on after the answer."""
    delivery = asyncio.ensure_future(context.deliver_effects(context))
    context.wait_until(delivery)
    await asyncio.wait({delivery}, timeout=CLERK_TIMEOUT_SECONDS)
