"""`GET /callback`: back from Clerk. The page obtains the session token, completes, and hands the token to the app."""

from __future__ import annotations

from dream.auth.principal import Nobody
from dream.http.request import Request
from dream.http.response import Response
from dream.runtime.context import Context
from sign_up.credentials.signed_in_user import arrival_of_flow
from sign_up.pages.layout import session_page
from sign_up.services.flows import flow_of


async def show(context: Context, request: Request, visitor: Nobody) -> Response:
    """Only in the browser that began, and only while key and redirect still hold."""
    flow = flow_of(context, request)
    arrival = await arrival_of_flow(context, request)
    return session_page(
        context,
        arrival,
        title="Signing you in",
        message="One moment, then you are back in the app.",
        data={"page": "callback", "state": flow.state, "flow": flow.page},
    )
