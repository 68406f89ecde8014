"""`GET /refresh`: a page that waits for the paid plan, then hands over a fresh token. `GET /refresh/status` is what it asks."""

from __future__ import annotations

from dream.auth.principal import EndUserCaller, Nobody
from dream.db import plan_in_force
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime.context import Context
from sign_up.pages.layout import session_page
from sign_up.services.arrivals import arrival_of

WAIT_SECONDS = 30
"""Stripe's events come within seconds; whoever waited this long goes on without."""


async def show(context: Context, request: Request, visitor: Nobody) -> Response:
    """The page that waits. After its time it goes on with `plan_pending=1`."""
    arrival = await arrival_of(context, request)
    return session_page(
        context,
        arrival,
        title="Confirming your plan",
        message="Your payment is being confirmed. This takes a few seconds.",
        data={"page": "refresh", "wait-seconds": str(WAIT_SECONDS)},
    )


async def status(context: Context, request: Request, caller: EndUserCaller) -> Response:
    """The plan in D1, and whether a subscription gives it."""
    publishable_key = caller.project.publishable_key
    found = await plan_in_force.find(context.db, publishable_key, caller.user_id, context.now())
    answer = {"userId": caller.user_id, "publishableKey": publishable_key, "plan": found.plan}
    return json_response({**answer, "paid": found.paid_plan is not None})
