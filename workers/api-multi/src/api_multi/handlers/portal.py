"""`POST /api/customer-portal`: Stripe's billing portal for one end user."""

from __future__ import annotations

from api_multi.services import billing_portal, subscriber
from api_multi.services.subscriber import NoSubscription
from dream.auth.principal import EndUserCaller
from dream.clients.stripe.http import StripeRefused
from dream.domain.return_urls import return_url_problem
from dream.errors import InvalidFields
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime.context import Context
from dream.services.platforms.connection import StripeNotConnected


async def open_portal(context: Context, request: Request, caller: EndUserCaller) -> Response:
    """The URL of the portal; it works for minutes. Raises NoSubscription for a user without a customer at Stripe."""
    return_url = (await request.json()).get("returnUrl")
    problem = None if return_url is None else return_url_problem(return_url)
    if problem is not None:
        raise InvalidFields({"returnUrl": problem})
    user = await subscriber.load(context, caller)
    if user.customer_id is None:
        raise NoSubscription()
    try:
        url = await billing_portal.open_portal(context, user, user.customer_id, return_url or user.home_url)
    except StripeRefused as refusal:
        if refusal.is_disconnected:
            raise StripeNotConnected(caller.project.mode, refusal.reason) from None
        if refusal.is_missing and refusal.param == "customer":
            raise NoSubscription(reason=refusal.reason) from None
        raise
    return json_response({"url": url})
