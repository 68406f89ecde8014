"""`GET /callback`: the page to which Clerk redirects.

Its script calls `POST /oauth/complete` and redirects to the app with the session token.
"""

from __future__ import annotations

from dream.auth.principal import Nobody
from dream.http.request import Request
from dream.http.response import Response
from dream.runtime.context import Context
from sign_up.credentials.signed_in_user import app_link_of_flow
from sign_up.pages.layout import session_page
from sign_up.services.flows import flow_of


async def show(context: Context, request: Request, visitor: Nobody) -> Response:
    """Works only in the browser that began the flow. Raises FlowNotFound, and what `app_link_of` raises."""
    flow = flow_of(context, request)
    link = await app_link_of_flow(context, request)
    return session_page(
        context,
        link,
        title="Signing you in",
        message="You go back to the app in a moment.",
        data={"page": "callback", "state": flow.state, "flow": flow.page},
    )
