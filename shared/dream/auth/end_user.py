"""The credential of routes that act for one end user.

There are two ways to say who the end user is. The developer's backend sends its secret key and names the user in `X-User-Id`; that
names a counter and proves nothing about the user. Or the request carries the user's session token, next to either key.
"""

from __future__ import annotations

import asyncio

from dream.auth import clerk_tokens, project_keys
from dream.auth.clerk_tokens import Claims
from dream.auth.membership import find_membership, require_member, token_facts
from dream.auth.principal import EndUserCaller, ProjectCaller
from dream.db.end_users import Membership
from dream.domain.keys import KeyKind, is_well_formed, mode_of
from dream.domain.usage import user_id_of
from dream.errors import BadRequest, Unauthorized
from dream.http.request import Request
from dream.runtime.context import Context
from dream.runtime.settings import ClerkInstance


async def end_user(context: Context, request: Request) -> EndUserCaller:
    """Verifies the keys and tokens of the request and returns the end user.

    Raises BadRequest if the request names no user, or if `X-User-Id` and the token name different users. Raises Unauthorized or
    PaymentRequired if a key or token is not valid, UserDeleted if the token is older than the user's deletion, and ProjectMismatch
    if the user belongs to another project.
    """
    return await _end_user(context, request, trust_claim=False)


async def counted_end_user(context: Context, request: Request) -> EndUserCaller:
    """The same, for routes whose own statement refuses a deleted user and reports whether the membership is proven.

    If the token names the project, this credential does not look the membership up. The handler calls `join_later` for a member
    whose membership is not proven yet.
    """
    return await _end_user(context, request, trust_claim=True)


async def _end_user(context: Context, request: Request, *, trust_claim: bool) -> EndUserCaller:
    bearer = project_keys.bearer(request)
    token = request.headers.get("x-clerk-token")
    if bearer is not None and bearer.startswith("sk_"):
        if token is None:
            return await _named_by_backend(context, request, bearer)
        return await _proved_to_backend(context, request, bearer, token, trust_claim=trust_claim)
    publishable_key = request.headers.get("x-publishable-key")
    if publishable_key is None:
        raise Unauthorized(
            "Send a secret key in Authorization, or a publishable key in X-Publishable-Key with the end user's session token."
        )
    if token is None:
        token = bearer
    if token is None:
        raise Unauthorized("With a publishable key, send the end user's session token in X-Clerk-Token.")
    return await _proved_by_client(context, publishable_key, token, trust_claim=trust_claim)


async def _named_by_backend(context: Context, request: Request, secret_key: str) -> EndUserCaller:
    """A secret key, and the user in `X-User-Id`."""
    caller = await project_keys.caller_of_secret_key(context, secret_key)
    project_keys.require_same_project(caller, request)
    user_id = request.headers.get("x-user-id")
    if user_id is None:
        raise BadRequest(
            "Name the end user in X-User-Id, or send their token in X-Clerk-Token.",
            code="missing_user",
            fields={"X-User-Id": "required"},
        )
    return EndUserCaller(caller.project, user_id_of(user_id), caller.secret_key_hash, _plan_hint(request))


async def _proved_to_backend(
    context: Context, request: Request, secret_key: str, token: str, *, trust_claim: bool
) -> EndUserCaller:
    """A secret key, and the user's token in `X-Clerk-Token`."""
    caller, claims = await _verify_both(context, secret_key, token)
    project_keys.require_same_project(caller, request)
    user_id = request.headers.get("x-user-id")
    if user_id is not None and user_id != claims.user_id:
        raise BadRequest(
            "X-User-Id and X-Clerk-Token name different users. Send one of them, or the same user in both.",
            code="user_mismatch",
        )
    publishable_key, facts = caller.project.publishable_key, token_facts(claims)
    membership = await find_membership(context, publishable_key, claims.user_id, facts, trust_claim=trust_claim)
    await require_member(context, publishable_key, claims.user_id, facts, membership)
    return EndUserCaller(
        caller.project, claims.user_id, caller.secret_key_hash, _plan_hint(request), claims.email, facts
    )


async def _verify_both(context: Context, secret_key: str, token: str) -> tuple[ProjectCaller, Claims]:
    """Verifies the secret key and the token, at the same time if the token is new to this isolate."""
    instance = _clerk_instance(context, secret_key, "sk")
    claims = clerk_tokens.remembered_claims(context, instance, token)
    if claims is not None:
        return await project_keys.caller_of_secret_key(context, secret_key), claims
    return await asyncio.gather(
        project_keys.caller_of_secret_key(context, secret_key), clerk_tokens.verified_claims(context, instance, token)
    )


async def _proved_by_client(context: Context, publishable_key: str, token: str, *, trust_claim: bool) -> EndUserCaller:
    """A publishable key, and the user's token."""
    instance = _clerk_instance(context, publishable_key, "pk")
    claims = clerk_tokens.remembered_claims(context, instance, token)
    if claims is None:
        caller, (claims, membership) = await asyncio.gather(
            project_keys.caller_of_publishable_key(context, publishable_key),
            _verified_member(context, instance, publishable_key, token, trust_claim=trust_claim),
        )
        facts = token_facts(claims)
    else:
        caller = await project_keys.caller_of_publishable_key(context, publishable_key)
        facts = token_facts(claims)
        membership = await find_membership(context, publishable_key, claims.user_id, facts, trust_claim=trust_claim)
    await require_member(context, publishable_key, claims.user_id, facts, membership)
    return EndUserCaller(caller.project, claims.user_id, None, email=claims.email, token=facts)


async def _verified_member(
    context: Context, instance: ClerkInstance, publishable_key: str, token: str, *, trust_claim: bool
) -> tuple[Claims, Membership]:
    claims = await clerk_tokens.verified_claims(context, instance, token)
    facts = token_facts(claims)
    return claims, await find_membership(context, publishable_key, claims.user_id, facts, trust_claim=trust_claim)


def _clerk_instance(context: Context, key: str, kind: KeyKind) -> ClerkInstance:
    """The Clerk instance that issues the tokens for this key. The key's prefix names the mode, so no look-up comes first."""
    if not is_well_formed(key, kind):
        raise Unauthorized("This API key is not valid. Copy the key from the dashboard.", code="invalid_api_key")
    return context.settings.end_users(mode_of(key))


def _plan_hint(request: Request) -> str | None:
    return request.headers.get("x-user-plan") or None
