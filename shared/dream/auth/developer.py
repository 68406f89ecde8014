"""The credential of the dashboard: a session token of the developers' Clerk instance."""

from __future__ import annotations

from dream.auth import clerk_tokens
from dream.auth.principal import Developer
from dream.auth.project_keys import bearer
from dream.errors import Forbidden, Unauthorized
from dream.http.request import Request
from dream.runtime.context import Context


async def developer(context: Context, request: Request) -> Developer:
    """Raises Unauthorized if the token is missing or not valid, and Forbidden if it comes from an impersonated session."""
    token = bearer(request)
    if token is None:
        raise Unauthorized("Send the developer's session token: Authorization: Bearer <token>.")
    return await developer_of_token(context, token)


async def developer_of_token(context: Context, token: str) -> Developer:
    """The developer whom the token names. Raises as `developer` does."""
    claims = await clerk_tokens.verified_claims(context, context.settings.clerk("DEVELOPERS"), token)
    if claims.is_impersonated:
        raise Forbidden(
            "An impersonated session may not manage keys or billing. Sign in as the developer.",
            code="impersonated_session",
        )
    return Developer(claims.user_id, claims.email, claims.session_id)
