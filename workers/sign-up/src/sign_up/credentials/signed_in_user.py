"""The credential of `POST /oauth/complete`: an end user with a verified session token, and the project that they signed in for."""

from __future__ import annotations

from dataclasses import dataclass

from dream.auth import clerk_tokens, project_keys
from dream.auth.clerk_tokens import Claims
from dream.domain.project import Project
from dream.domain.redirects import RedirectTarget
from dream.errors import Unauthorized
from dream.http.request import Request
from dream.runtime.context import Context
from sign_up.services.app_links import AppLink, project_of, require_allowed
from sign_up.services.flows import flow_of


@dataclass(frozen=True, slots=True)
class SignedInUser:
    """An end user of the project's Clerk instance. `handlers.completion` decides whether they belong to the project.

    `redirect` is the URL to go back to. It is None for a request that names the project by its key instead of a flow.
    """

    project: Project
    claims: Claims
    redirect: str | None

    @property
    def rate_key(self) -> str:
        return f"user:{self.project.publishable_key}:{self.claims.user_id}"


async def signed_in_user(context: Context, request: Request) -> SignedInUser:
    """Verifies the session token of Authorization or X-Clerk-Token.

    The project follows from X-Publishable-Key, or from `state`: a flow that this browser began. Raises Unauthorized, PaymentRequired,
    and what `app_link_of_flow` raises.
    """
    token = request.headers.get("x-clerk-token") or project_keys.bearer(request)
    if token is None:
        raise Unauthorized("Send the end user's session token as Authorization: Bearer ….")
    publishable_key = request.headers.get("x-publishable-key")
    if publishable_key is not None:
        project, redirect = (await project_keys.caller_of_publishable_key(context, publishable_key)).project, None
    elif request.query.get("state"):
        link = await app_link_of_flow(context, request)
        project, redirect = link.project, link.redirect
    else:
        raise Unauthorized("Send X-Publishable-Key, or the state of a sign-in that this browser began.")
    claims = await clerk_tokens.verified_claims(context, context.settings.end_users(project.mode), token)
    return SignedInUser(project, claims, redirect)


async def app_link_of_flow(context: Context, request: Request) -> AppLink:
    """The link with which this browser began the flow, checked again. Raises FlowNotFound, and what `app_link_of` raises."""
    flow = flow_of(context, request)
    project = await project_of(context, flow.publishable_key)
    target = RedirectTarget.parse(flow.redirect)
    if target is None:
        raise RuntimeError("a signed redirect does not parse")
    await require_allowed(context, project, target)
    return AppLink(project, target.url)
