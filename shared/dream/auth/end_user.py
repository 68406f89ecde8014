"""Who the end user is: named by the developer's backend with a secret key, or proved by a token beside either key.

A user belongs to one project. Their token says so, or a row does; one of no project yet is bound to the first that sees them.
"""

from __future__ import annotations

import asyncio

from dream.auth import clerk_tokens, project_keys
from dream.auth.clerk_tokens import Claims
from dream.auth.principal import EndUserCaller, Project, ProjectCaller
from dream.caching import IsolateCache
from dream.context import Context
from dream.db import end_users
from dream.db.end_users import Membership
from dream.domain.keys import KeyKind, is_well_formed, mode_of
from dream.domain.usage import user_id_of
from dream.errors import BadRequest, ConstraintFailed, Forbidden, Unauthorized
from dream.http.request import Request
from dream.settings import ClerkInstance

MEMBERSHIP_TTL_SECONDS = 10.0

_members: IsolateCache[bool] = IsolateCache(size=10_000, ttl_seconds=MEMBERSHIP_TTL_SECONDS)


class ProjectMismatch(Forbidden):
    """403: a user of another project."""

    code = "project_mismatch"
    message = "This user belongs to another project."


async def end_user(context: Context, request: Request) -> EndUserCaller:
    """The credential of routes that act for one end user.

    Raises BadRequest when nobody names the user, or when `X-User-Id` and a token name different ones; Unauthorized and
    PaymentRequired for keys and tokens that don't hold; ProjectMismatch for a user of another project.
    """
    bearer = project_keys.bearer(request)
    token = request.headers.get("x-clerk-token")
    if bearer is not None and bearer.startswith("sk_"):
        return await _of_backend(context, request, bearer, token)
    publishable_key = request.headers.get("x-publishable-key")
    if publishable_key is None:
        raise Unauthorized("A secret key, or a publishable key with the end user's token, is needed.")
    if token is None:
        token = bearer
    if token is None:
        raise Unauthorized("Beside a publishable key the end user's token is needed, in X-Clerk-Token.")
    return await _of_client(context, publishable_key, token)


async def bind_end_user(context: Context, project: Project, user_id: str, email: str | None = None) -> None:
    """Make a user of no project this project's; nothing happens to one who is. Raises ProjectMismatch for another's."""
    publishable_key = project.publishable_key
    try:
        bound = await end_users.bind(context.db, publishable_key, user_id, email, context.now())
    except ConstraintFailed:
        raise Unauthorized("This API key is not valid.", code="invalid_api_key", reason="project is gone") from None
    if not bound:
        raise ProjectMismatch()
    _members.put(_member_name(publishable_key, user_id), True)


def forget_membership(publishable_key: str, user_id: str) -> None:
    """Drop what this isolate remembers. Whoever deletes an end user calls this."""
    _members.drop(_member_name(publishable_key, user_id))


async def _of_backend(context: Context, request: Request, key: str, token: str | None) -> EndUserCaller:
    named = request.headers.get("x-user-id")
    plan_hint = request.headers.get("x-user-plan") or None
    if token is not None:
        caller, claims = await _proved_beside_secret_key(context, key, token)
        project_keys.require_same_project(caller, request)
        if named is not None and named != claims.user_id:
            raise BadRequest("X-User-Id and X-Clerk-Token name different users.", code="user_mismatch")
        membership = await _membership(context, caller.project.publishable_key, claims)
        await _require_member(context, caller.project, claims, membership)
        return EndUserCaller(caller.project, claims.user_id, caller.secret_key_hash, plan_hint, claims.email)
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


async def _of_client(context: Context, publishable_key: str, token: str) -> EndUserCaller:
    instance = _instance(context, publishable_key, "pk")
    claims = clerk_tokens.remembered_claims(context, instance, token)
    if claims is None:
        caller, (claims, membership) = await asyncio.gather(
            project_keys.caller_of_publishable_key(context, publishable_key),
            _proved_member(context, instance, publishable_key, token),
        )
    else:
        caller = await project_keys.caller_of_publishable_key(context, publishable_key)
        membership = await _membership(context, publishable_key, claims)
    await _require_member(context, caller.project, claims, membership)
    return EndUserCaller(caller.project, claims.user_id, None, email=claims.email)


async def _proved_member(
    context: Context, instance: ClerkInstance, publishable_key: str, token: str
) -> tuple[Claims, Membership]:
    claims = await clerk_tokens.verified_claims(context, instance, token)
    return claims, await _membership(context, publishable_key, claims)


def _instance(context: Context, key: str, kind: KeyKind) -> ClerkInstance:
    """The Clerk instance whose tokens go with this key: its prefix tells, so that no look-up has to come first."""
    if not is_well_formed(key, kind):
        raise Unauthorized("This API key is not valid.", code="invalid_api_key")
    return context.settings.end_users(mode_of(key))


async def _membership(context: Context, publishable_key: str, claims: Claims) -> Membership:
    if claims.publishable_key == publishable_key or _members.get(_member_name(publishable_key, claims.user_id)):
        return "member"
    membership = await end_users.find_membership(context.db, publishable_key, claims.user_id, claims.publishable_key)
    if membership == "member":
        _members.put(_member_name(publishable_key, claims.user_id), True)
    return membership


async def _require_member(context: Context, project: Project, claims: Claims, membership: Membership) -> None:
    if membership == "stranger":
        raise ProjectMismatch()
    if membership == "unbound":
        await bind_end_user(context, project, claims.user_id, claims.email)


def _member_name(publishable_key: str, user_id: str) -> str:
    return f"{publishable_key}:{user_id}"
