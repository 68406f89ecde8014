"""`GET /signup`, `GET /signin`, `GET /account`: redirects to a hosted page of the Clerk instance of the project's mode."""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode

from dream.auth.principal import Nobody
from dream.http.request import Request
from dream.http.response import Response, redirect
from dream.runtime.context import Context
from sign_up.services.app_links import app_link_of, project_of
from sign_up.services.clerk_pages import hosted_url
from sign_up.services.flows import LIFETIME_SECONDS, Flow, HostedPage


async def sign_up(context: Context, request: Request, visitor: Nobody) -> Response:
    """Redirects to the page where a user signs up."""
    return await _begin_flow(context, request, "sign-up")


async def sign_in(context: Context, request: Request, visitor: Nobody) -> Response:
    """Redirects to the page where a user signs in. Clerk sends a signed-in user back at once."""
    return await _begin_flow(context, request, "sign-in")


async def account(context: Context, request: Request, visitor: Nobody) -> Response:
    """Redirects to the page of the user's own account. Without `redirect`, the user does not come back and no app gets a token."""
    if "redirect" in request.query:
        return await _begin_flow(context, request, "user")
    project = await project_of(context, request.query.get("pk") or "")
    return redirect(hosted_url(context, project.mode, "user", None))


async def _begin_flow(context: Context, request: Request, page: HostedPage) -> Response:
    """Redirects to Clerk's page, and stores the flow in a cookie of this browser."""
    link = await app_link_of(context, request)
    flow = Flow(
        state=urlsafe_b64encode(os.urandom(18)).decode(),
        publishable_key=link.project.publishable_key,
        redirect=link.redirect,
        page=page,
        expires_at=int(context.now_seconds()) + LIFETIME_SECONDS,
    )
    callback_url = f"{context.settings.sign_up_url}/callback?state={flow.state}"
    return redirect(hosted_url(context, link.project.mode, page, callback_url), [flow.cookie(context)])
