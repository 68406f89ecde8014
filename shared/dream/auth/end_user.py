"""Who the end user is: named by the developer's backend with a secret key, or proved by a token beside either key."""

from __future__ import annotations

from dream.auth import project_keys
from dream.auth.principal import EndUserCaller
from dream.context import Context
from dream.domain.usage import user_id_of
from dream.errors import BadRequest, Unauthorized
from dream.http.request import Request


async def end_user(context: Context, request: Request) -> EndUserCaller:
    """The credential of routes that act for one end user.

    Raises BadRequest without a user, or when `X-User-Id` and a token name different ones.
    """
    bearer = project_keys.bearer(request)
    if bearer is None or not bearer.startswith("sk_"):
        raise Unauthorized("A secret key is needed: Authorization: Bearer sk_….")
    caller = await project_keys.caller_of_secret_key(context, bearer)
    project_keys.require_same_project(caller, request)
    named = request.headers.get("x-user-id")
    if named is None:
        raise BadRequest(
            "Name the end user in X-User-Id, or send their token in X-Clerk-Token.",
            code="missing_user",
            fields={"X-User-Id": "required"},
        )
    return EndUserCaller(
        caller.project, user_id_of(named), caller.secret_key_hash, request.headers.get("x-user-plan") or None
    )
