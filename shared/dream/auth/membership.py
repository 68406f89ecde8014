"""Whether an end user belongs to a project, and how a user joins one.

A user belongs to one project: the project that their token names, or else the project where D1 has a proven row for them. A user
who belongs to no project yet joins the first project that receives their token.
"""

from __future__ import annotations

from dream.auth.clerk_tokens import Claims
from dream.auth.principal import EndUserCaller, TokenFacts
from dream.db import clerk_effects, end_users
from dream.db.end_users import Arrival, Membership
from dream.domain.timestamps import iso
from dream.errors import ApiError, ConstraintFailed, Forbidden, Unauthorized
from dream.runtime.context import Context
from dream.runtime.isolate_cache import IsolateCache

MEMBERSHIP_TTL_SECONDS = 10.0

_members: IsolateCache[TokenFacts] = IsolateCache(size=10_000, ttl_seconds=MEMBERSHIP_TTL_SECONDS)


class ProjectMismatch(Forbidden):
    """403: the user belongs to another project."""

    code = "project_mismatch"
    message = "This user belongs to another project. Use the keys of the project that the user belongs to."


class UserDeleted(Unauthorized):
    """401: the token was issued before the user was deleted from this project."""

    code = "user_deleted"
    message = "This user was deleted. Sign in again to get a new token."


async def find_membership(
    context: Context, publishable_key: str, user_id: str, token: TokenFacts, *, trust_claim: bool
) -> Membership:
    """The user's membership in the project.

    With `trust_claim`, a token that names the project is enough, and D1 is not asked. The isolate remembers members for 10 s. An
    entry answers for tokens with the same claim that are as new as the remembered one, or newer.
    """
    if trust_claim and token.claimed == publishable_key:
        return "member"
    name = _cache_name(publishable_key, user_id)
    remembered = _members.get(name)
    if remembered is not None and remembered.claimed == token.claimed and remembered.issued_at <= token.issued_at:
        return "member"
    membership = await end_users.find_membership(context.db, publishable_key, user_id, token.claimed, token.issued_at)
    if membership == "member":
        _members.put(name, token)
    return membership


async def require_member(
    context: Context, publishable_key: str, user_id: str, token: TokenFacts, membership: Membership
) -> None:
    """Returns if the user is a member, or joins now. Raises ProjectMismatch or UserDeleted otherwise."""
    if membership == "unbound":
        membership = await _join(context, publishable_key, user_id, token)
    refusal = _refusal(membership)
    if refusal is not None:
        raise refusal


def join_later(context: Context, caller: EndUserCaller) -> None:
    """After the response was sent, records the membership of a caller whose token names the project."""
    if caller.token is not None:
        context.wait_until(_join_quietly(context, caller.project.publishable_key, caller.user_id, caller.token))


async def reason_for_no_member(context: Context, caller: EndUserCaller) -> ApiError | None:
    """Why a counting statement refused the caller's token. None if the token is not the reason."""
    token = caller.token
    if token is None:
        return None
    publishable_key = caller.project.publishable_key
    forget_membership(publishable_key, caller.user_id)
    membership = await end_users.find_membership(
        context.db, publishable_key, caller.user_id, token.claimed, token.issued_at
    )
    return _refusal(membership)


def forget_membership(publishable_key: str, user_id: str) -> None:
    """Removes the membership from this isolate's memory. Call it when an end user is deleted."""
    _members.drop(_cache_name(publishable_key, user_id))


def token_facts(claims: Claims) -> TokenFacts:
    """The claims of a verified token that decide on membership."""
    return TokenFacts(claims.publishable_key, iso(claims.not_before), claims.email)


async def _join(context: Context, publishable_key: str, user_id: str, token: TokenFacts) -> Membership:
    """Adds a user of no project to this project, and enqueues the effect that writes the project to Clerk, in one batch."""
    now = context.now()
    arrival = Arrival(publishable_key, user_id, token.claimed, token.issued_at, token.email)
    show_plan = clerk_effects.show_plan_of_new_member(publishable_key, user_id, now)
    try:
        joined = await end_users.join(context.db, arrival, now, then=[show_plan])
    except ConstraintFailed:
        raise Unauthorized(
            "This API key is not valid. Copy the key from the dashboard.",
            code="invalid_api_key",
            reason="the project was deleted",
        ) from None
    if joined.membership == "member":
        _members.put(_cache_name(publishable_key, user_id), token)
        context.deliver_soon()
    return joined.membership


async def _join_quietly(context: Context, publishable_key: str, user_id: str, token: TokenFacts) -> None:
    """Logs a failure and raises nothing: the user's next request tries again."""
    try:
        await _join(context, publishable_key, user_id, token)
    except ApiError as error:
        context.log.warning("membership not recorded", reason=error.reason or error.code)


def _refusal(membership: Membership) -> ApiError | None:
    if membership == "stranger":
        return ProjectMismatch()
    return UserDeleted() if membership == "deleted" else None


def _cache_name(publishable_key: str, user_id: str) -> str:
    return f"{publishable_key}:{user_id}"
