"""Who is back from Clerk: an end user with a verified token, at the project that they came from."""

from __future__ import annotations

from dataclasses import dataclass

from dream.auth import clerk_tokens, project_keys
from dream.auth.clerk_tokens import Claims
from dream.domain.project import Project
from dream.domain.redirects import RedirectTarget
from dream.errors import Unauthorized
from dream.http.request import Request
from dream.runtime.context import Context
from sign_up.services.arrivals import Arrival, project_of, require_allowed
from sign_up.services.flows import flow_of


@dataclass(frozen=True, slots=True)
class SignedInUser:
    """An end user of the project's Clerk instance; whether they are the project's is for `completion` to settle.

    `redirect` is where this browser wanted to go, if it came by way of our pages.
    """

    project: Project
    claims: Claims
    redirect: str | None

    @property
    def rate_key(self) -> str:
        return f"user:{self.project.publishable_key}:{self.claims.user_id}"


async def signed_in_user(context: Context, request: Request) -> SignedInUser:
    """The token, in Authorization or X-Clerk-Token, beside X-Publishable-Key or the `state` of a way that this browser began.

    Raises Unauthorized and PaymentRequired for keys and tokens that don't hold, BadRequest for a way that does not.
    """
    token = request.headers.get("x-clerk-token") or project_keys.bearer(request)
    if token is None:
        raise Unauthorized("The end user's session token is needed: Authorization: Bearer ….")
    publishable_key = request.headers.get("x-publishable-key")
    if publishable_key is not None:
        project, redirect = (await project_keys.caller_of_publishable_key(context, publishable_key)).project, None
    elif request.query.get("state"):
        arrival = await arrival_of_flow(context, request)
        project, redirect = arrival.project, arrival.redirect
    else:
        raise Unauthorized("X-Publishable-Key, or the state of a sign-in that this browser began, is needed.")
    claims = await clerk_tokens.verified_claims(context, context.settings.end_users(project.mode), token)
    return SignedInUser(project, claims, redirect)


async def arrival_of_flow(context: Context, request: Request) -> Arrival:
    """Key and redirect of the way that this browser began, which must hold still. Raises as `arrival_of` does, and FlowLost."""
    flow = flow_of(context, request)
    project = await project_of(context, flow.publishable_key)
    target = RedirectTarget.parse(flow.redirect)
    if target is None:
        raise RuntimeError("a signed redirect does not parse")
    await require_allowed(context, project, target)
    return Arrival(project, target.url)
