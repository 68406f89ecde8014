"""Who the end user is: named by the developer's backend with a secret key, or proved by a token beside either key.

A user belongs to one project. Their token says so, or a proven row does; a user of no project yet joins the first that sees their
token. `X-User-Id` names a counter of the backend's own and proves nothing.
"""

from __future__ import annotations

import asyncio

from dream.auth import clerk_tokens, project_keys
from dream.auth.clerk_tokens import Claims
from dream.auth.principal import EndUserCaller, ProjectCaller, TokenFacts
from dream.db import clerk_effects, end_users
from dream.db.end_users import Arrival, Membership
from dream.domain.keys import KeyKind, is_well_formed, mode_of
from dream.domain.project import Project
from dream.domain.timestamps import iso
from dream.domain.usage import user_id_of
from dream.errors import ApiError, BadRequest, ConstraintFailed, Forbidden, Unauthorized
from dream.http.request import Request
from dream.runtime.context import Context
from dream.runtime.isolate_cache import IsolateCache
from dream.runtime.settings import ClerkInstance

MEMBERSHIP_TTL_SECONDS = 10.0

_members: IsolateCache[TokenFacts] = IsolateCache(size=10_000, ttl_seconds=MEMBERSHIP_TTL_SECONDS)


class ProjectMismatch(Forbidden):
    """403: a user of another project."""

    code = "project_mismatch"
    message = "This user belongs to another project."


class UserDeleted(Unauthorized):
    """401: the token was issued before the user was deleted from this project."""

    code = "user_deleted"
    message = "This user was deleted. Sign in again."


async def end_user(context: Context, request: Request) -> EndUserCaller:
    """The credential of routes that act for one end user.

    Raises BadRequest when nobody names the user, or when `X-User-Id` and a token name different ones; Unauthorized and
    PaymentRequired for keys and tokens that don't hold; UserDeleted for a token from before the user was deleted; ProjectMismatch
    for a user of another project.
    """
    return await _settled(context, request, statement_checks=False)


async def counted_end_user(context: Context, request: Request) -> EndUserCaller:
    """As `end_user`, for routes whose own statement refuses a deleted user and says whether the membership is proven.

    A token that names the project costs no look-up here. The handler calls `join_later` for a member who is not proven yet.
    """
    return await _settled(context, request, statement_checks=True)


def join_later(context: Context, caller: EndUserCaller) -> None:
    """Prove the membership of a caller whose token names the project, after the answer has gone."""
    if caller.token is not None:
        context.wait_until(_join_quietly(context, caller.project, caller.user_id, caller.token))


async def reason_for_no_member(context: Context, caller: EndUserCaller) -> ApiError | None:
    """Why a counting statement refused the caller's token; None when the token is not the reason."""
    token = caller.token
    if token is None:
        return None
    key = caller.project.publishable_key
    forget_membership(key, caller.user_id)
    membership = await end_users.find_membership(context.db, key, caller.user_id, token.claimed, token.issued_at)
    return _refusal(membership)


def forget_membership(publishable_key: str, user_id: str) -> None:
    """Drop what this isolate remembers. Whoever deletes an end user calls this."""
    _members.drop(_member_name(publishable_key, user_id))


async def _settled(context: Context, request: Request, *, statement_checks: bool) -> EndUserCaller:
    bearer = project_keys.bearer(request)
    token = request.headers.get("x-clerk-token")
    if bearer is not None and bearer.startswith("sk_"):
        return await _of_backend(context, request, bearer, token, statement_checks=statement_checks)
    publishable_key = request.headers.get("x-publishable-key")
    if publishable_key is None:
        raise Unauthorized("A secret key, or a publishable key with the end user's token, is needed.")
    if token is None:
        token = bearer
    if token is None:
        raise Unauthorized("Beside a publishable key the end user's token is needed, in X-Clerk-Token.")
    return await _of_client(context, publishable_key, token, statement_checks=statement_checks)


async def _of_backend(
    context: Context, request: Request, key: str, token: str | None, *, statement_checks: bool
) -> EndUserCaller:
    named = request.headers.get("x-user-id")
    plan_hint = request.headers.get("x-user-plan") or None
    if token is not None:
        caller, claims = await _proved_beside_secret_key(context, key, token)
        project_keys.require_same_project(caller, request)
        if named is not None and named != claims.user_id:
            raise BadRequest("X-User-Id and X-Clerk-Token name different users.", code="user_mismatch")
        membership = await _membership(
            context, caller.project.publishable_key, claims, statement_checks=statement_checks
        )
        await _require_member(context, caller.project, claims, membership)
        return EndUserCaller(
            caller.project, claims.user_id, caller.secret_key_hash, plan_hint, claims.email, _token_of(claims)
        )
    caller = await project_keys.caller_of_secret_key(context, key)
    project_keys.require_same_project(caller, request)
    if named is None:
        raise BadRequest(
            "Name the end user in X-User-Id, or send their token in X-Clerk-Token.",
            code="missing_user",
            fields={"X-User-Id": "required"},
        )
    return EndUserCaller(caller.project, user_id_of(named), caller.secret_key_hash, plan_hint)


async def _proved_beside_secret_key(context: Context, key: str, token: str) -> tuple[ProjectCaller, Claims]:
    instance = _instance(context, key, "sk")
    claims = clerk_tokens.remembered_claims(context, instance, token)
    if claims is not None:
        return await project_keys.caller_of_secret_key(context, key), claims
    return await asyncio.gather(
        project_keys.caller_of_secret_key(context, key), clerk_tokens.verified_claims(context, instance, token)
    )


async def _of_client(context: Context, publishable_key: str, token: str, *, statement_checks: bool) -> EndUserCaller:
    instance = _instance(context, publishable_key, "pk")
    claims = clerk_tokens.remembered_claims(context, instance, token)
    if claims is None:
        caller, (claims, membership) = await asyncio.gather(
            project_keys.caller_of_publishable_key(context, publishable_key),
            _proved_member(context, instance, publishable_key, token, statement_checks=statement_checks),
        )
    else:
        caller = await project_keys.caller_of_publishable_key(context, publishable_key)
        membership = await _membership(context, publishable_key, claims, statement_checks=statement_checks)
    await _require_member(context, caller.project, claims, membership)
    return EndUserCaller(caller.project, claims.user_id, None, email=claims.email, token=_token_of(claims))


async def _proved_member(
    context: Context, instance: ClerkInstance, publishable_key: str, token: str, *, statement_checks: bool
) -> tuple[Claims, Membership]:
    claims = await clerk_tokens.verified_claims(context, instance, token)
    return claims, await _membership(context, publishable_key, claims, statement_checks=statement_checks)


def _instance(context: Context, key: str, kind: KeyKind) -> ClerkInstance:
    """The Clerk instance whose tokens go with this key: its prefix tells, so that no look-up has to come first."""
    if not is_well_formed(key, kind):
        raise Unauthorized("This API key is not valid.", code="invalid_api_key")
    return context.settings.end_users(mode_of(key))


async def _membership(context: Context, publishable_key: str, claims: Claims, *, statement_checks: bool) -> Membership:
    """A remembered member is one for this claim and for tokens as new as the remembered one."""
    if statement_checks and claims.publishable_key == publishable_key:
        return "member"
    name, token = _member_name(publishable_key, claims.user_id), _token_of(claims)
    remembered = _members.get(name)
    if remembered is not None and remembered.claimed == token.claimed and remembered.issued_at <= token.issued_at:
        return "member"
    membership = await end_users.find_membership(
        context.db, publishable_key, claims.user_id, token.claimed, token.issued_at
    )
    if membership == "member":
        _members.put(name, token)
    return membership


async def _require_member(context: Context, project: Project, claims: Claims, membership: Membership) -> None:
    if membership == "unbound":
        membership = await _join(context, project, claims.user_id, _token_of(claims))
    refusal = _refusal(membership)
    if refusal is not None:
        raise refusal


async def _join(context: Context, project: Project, user_id: str, token: TokenFacts) -> Membership:
    """The first token of a user of no project makes them this project's, in one batch with the effect that tells Clerk."""
    publishable_key, now = project.publishable_key, context.now()
    arrival = Arrival(publishable_key, user_id, token.claimed, token.issued_at, token.email)
    show_plan = clerk_effects.show_plan_of_new_member(publishable_key, user_id, now)
    try:
        joined = await end_users.join(context.db, arrival, now, then=[show_plan])
    except ConstraintFailed:
        raise Unauthorized("This API key is not valid.", code="invalid_api_key", reason="project is gone") from None
    if joined.membership == "member":
        _members.put(_member_name(publishable_key, user_id), token)
        context.deliver_soon()
    return joined.membership


async def _join_quietly(context: Context, project: Project, user_id: str, token: TokenFacts) -> None:
    """The next token tries again."""
    try:
        await _join(context, project, user_id, token)
    except ApiError as error:
        context.log.warning("membership not recorded", reason=error.reason or error.code)


def _refusal(membership: Membership) -> ApiError | None:
    if membership == "stranger":
        return ProjectMismatch()
    return UserDeleted() if membership == "deleted" else None


def _token_of(claims: Claims) -> TokenFacts:
    return TokenFacts(claims.publishable_key, iso(claims.not_before), claims.email)


def _member_name(publishable_key: str, user_id: str) -> str:
    return f"{publishable_key}:{user_id}"
