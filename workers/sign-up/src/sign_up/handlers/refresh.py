"""`GET /refresh`: a page that waits for the paid plan, then redirects to the app with a fresh token. It polls `/refresh/status`."""

from __future__ import annotations

from dream.auth.principal import EndUserCaller, Nobody
from dream.db import plan_in_force
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime.context import Context
from sign_up.pages.layout import session_page
from sign_up.services.app_links import app_link_of

WAIT_SECONDS = 30
"""How long the page waits for Stripe's event, which usually comes within seconds."""


async def show(context: Context, request: Request, visitor: Nobody) -> Response:
    """The page that waits. After WAIT_SECONDS it redirects with `plan_pending=1`."""
    link = await app_link_of(context, request)
    return session_page(
        context,
        link,
        title="Confirming your plan",
        message="We are confirming your payment. This takes a few seconds.",
        data={"page": "refresh", "wait-seconds": str(WAIT_SECONDS)},
    )


async def status(context: Context, request: Request, caller: EndUserCaller) -> Response:
    """The plan in force by D1, and whether a subscription gives it."""
    publishable_key = caller.project.publishable_key
    found = await plan_in_force.find(context.db, publishable_key, caller.user_id, context.now())
    answer = {"userId": caller.user_id, "publishableKey": publishable_key, "plan": found.plan}
    return json_response({**answer, "paid": found.paid_plan is not None})
