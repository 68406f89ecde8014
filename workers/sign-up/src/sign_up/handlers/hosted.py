"""`GET /signup`, `GET /signin`, `GET /account`: to the hosted page of the Clerk instance that goes with the key."""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode

from dream.auth.principal import Nobody
from dream.http.request import Request
from dream.http.response import Response, redirect
from dream.runtime.context import Context
from sign_up.services.arrivals import arrival_of, project_of
from sign_up.services.clerk_pages import hosted_url
from sign_up.services.flows import LIFETIME_SECONDS, Flow, HostedPage


async def sign_up(context: Context, request: Request, visitor: Nobody) -> Response:
    """To the page that makes a new user."""
    return await _leave_for(context, request, "sign-up")


async def sign_in(context: Context, request: Request, visitor: Nobody) -> Response:
    """To the page that lets a user in; whoever is in already comes straight back."""
    return await _leave_for(context, request, "sign-in")


async def account(context: Context, request: Request, visitor: Nobody) -> Response:
    """To the user's own account. Without `redirect` there is no way back, and no token is handed to anybody."""
    if "redirect" in request.query:
        return await _leave_for(context, request, "user")
    project = await project_of(context, request.query.get("pk") or "")
    return redirect(hosted_url(context, project.mode, "user", None))


async def _leave_for(context: Context, request: Request, page: HostedPage) -> Response:
    arrival = await arrival_of(context, request)
    flow = Flow(
        state=urlsafe_b64encode(os.urandom(18)).decode(),
        publishable_key=arrival.project.publishable_key,
        redirect=arrival.redirect,
        page=page,
        expires_at=int(context.now_seconds()) + LIFETIME_SECONDS,
    )
    back = f"{context.settings.sign_up_url}/callback?state={flow.state}"
    return redirect(hosted_url(context, arrival.project.mode, page, back), [flow.cookie(context)])
