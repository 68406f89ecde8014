"""`POST /oauth/complete`: a verified user becomes the project's own, unless they are another's.

Clerk's word on whose the user is comes before ours, and of our rows only proven ones count: another row may be there because some
developer's backend named the user, and what is settled here decides whether an app gets the user's token.
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

CLERK_PATIENCE_SECONDS = 2.0
"""How long an answer waits for Clerk to take the metadata, so that the next token carries them. The outbox waits longer."""


class BelongsToOtherProject(Conflict):
    """409: the user is another project's."""

    error = "Belongs to another project"
    code = "belongs_to_other_project"
    message = "This account belongs to another app. Sign in with another account."


@dataclass(frozen=True, slots=True)
class _Known:
    """What Clerk says of the user: the project that has them, and, when Clerk was asked, address and names."""

    claimed: str | None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None


async def complete(context: Context, request: Request, user: SignedInUser) -> Response:
    """Bind, say which plan is in force, and tell Clerk, unless the token shows that Clerk knows. Repeating changes nothing."""
    publishable_key, user_id = user.project.publishable_key, user.claims.user_id
    known = await _known_to_clerk(context, user)
    now = context.now()
    try:
        arrival = Arrival(
            publishable_key,
            user_id,
            known.claimed,
            iso(user.claims.not_before),
            known.email or user.claims.email,
            known.first_name,
            known.last_name,
        )
        joined = await end_users.join(context.db, arrival, now)
    except ConstraintFailed:
        raise Unauthorized(
            "This publishable key is not valid.", code="invalid_api_key", reason="project gone"
        ) from None
    if joined.membership == "deleted":
        raise UserDeleted()
    if joined.membership != "member":
        raise BelongsToOtherProject()
    await checkpoints.reached("complete:joined")
    if user.claims.publishable_key != publishable_key:
        await context.db.batch([clerk_effects.show_plan(publishable_key, user_id, now)])
        await checkpoints.reached("complete:owed")
        await _tell_clerk(context)
    answer = {"success": True, "userId": user_id, "publishableKey": publishable_key, "plan": joined.plan}
    return json_response(answer if user.redirect is None else {**answer, "redirect": user.redirect})


async def _known_to_clerk(context: Context, user: SignedInUser) -> _Known:
    """A token that names this project needs no question; any other may be older than what Clerk knows now."""
    if user.claims.publishable_key == user.project.publishable_key:
        return _Known(user.claims.publishable_key)
    found = await clerk.end_users(context, user.project.mode).get_user(user.claims.user_id)
    if found is None:
        raise Unauthorized("The session token is not valid.", code="invalid_token", reason="the user is gone")
    email = found.email if found.email_verified else None
    return _Known(found.publishable_key, email, found.first_name, found.last_name)


async def _tell_clerk(context: Context) -> None:
    telling = asyncio.ensure_future(context.deliver_effects(context))
    context.wait_until(telling)
    await asyncio.wait({telling}, timeout=CLERK_PATIENCE_SECONDS)
