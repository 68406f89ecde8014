"""Owns the ASGI application: which URL goes to the API, a hosted page or a control."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from devstack.stripe import api, oauth
from devstack.stripe.controls import asking, buyers, clock, faults, sellers, webhooks
from devstack.stripe.errors import StripeFault
from devstack.stripe.pages import checkout_page, connect_page, log_page, portal_page
from devstack.stripe.stand_in import StandIn

View = Callable[[StandIn, Request], Awaitable[Response]]
_STATIC = Path(__file__).resolve().parent / "static"

# The hosted pages and OAuth: method, path, view.
_PAGES: list[tuple[str, str, View]] = [
    ("GET", "/c/pay/{session_id}", checkout_page.show),
    ("POST", "/c/pay/{session_id}", checkout_page.submit),
    ("GET", "/p/session/{token}", portal_page.home),
    ("GET", "/p/session/{token}/customer", portal_page.customer),
    ("POST", "/p/session/{token}/customer", portal_page.customer),
    ("GET", "/p/session/{token}/payment-methods", portal_page.payment_methods),
    ("POST", "/p/session/{token}/payment-methods", portal_page.payment_methods),
    ("GET", "/p/session/{token}/subscriptions/{subscription_id}/update/{price_id}", portal_page.update),
    ("POST", "/p/session/{token}/subscriptions/{subscription_id}/update/{price_id}", portal_page.update),
    ("GET", "/p/session/{token}/subscriptions/{subscription_id}/{action}", portal_page.action),
    ("POST", "/p/session/{token}/subscriptions/{subscription_id}/{action}", portal_page.action),
    ("GET", "/oauth/authorize", connect_page.show),
    ("POST", "/oauth/authorize", connect_page.decide),
    ("POST", "/oauth/token", oauth.token),
    ("POST", "/oauth/deauthorize", oauth.deauthorize),
    ("GET", "/", log_page.start),
    ("GET", "/_devstack", log_page.start),
    ("GET", "/_devstack/", log_page.start),
    ("GET", "/_devstack/deliveries", log_page.deliveries),
    ("GET", "/_devstack/deliveries/{delivery_id:int}", log_page.delivery),
]
_CONTROLS: list[tuple[str, str, View]] = [
    ("GET", "/_devstack/health", clock.health),
    ("GET", "/_devstack/clock", clock.read_clock),
    ("POST", "/_devstack/clock", clock.move_clock),
    ("POST", "/_devstack/checkout/{session_id}/pay", buyers.pay_session),
    ("POST", "/_devstack/checkout/{session_id}/settle", buyers.settle_session),
    ("POST", "/_devstack/refunds", buyers.refund),
    ("POST", "/_devstack/disputes", buyers.open_dispute),
    ("POST", "/_devstack/disputes/{dispute_id}/close", buyers.close_dispute),
    ("POST", "/_devstack/payment-methods/{object_id}/behaviour", buyers.fail_method),
    ("POST", "/_devstack/customers/{customer_id}/card", buyers.replace_card),
    ("GET", "/_devstack/accounts", sellers.list_accounts),
    ("POST", "/_devstack/accounts", sellers.create_account),
    ("POST", "/_devstack/accounts/{account_id}/disconnect", sellers.disconnect),
    ("POST", "/_devstack/connect/authorize", sellers.authorize),
    ("POST", "/_devstack/portal/default", sellers.portal_default),
    ("GET", "/_devstack/webhooks", webhooks.webhooks),
    ("GET", "/_devstack/webhooks/pending", webhooks.webhooks_pending),
    ("GET", "/_devstack/webhooks/idle", webhooks.webhooks_idle),
    ("POST", "/_devstack/webhooks/pause", webhooks.webhooks_pause),
    ("POST", "/_devstack/webhooks/resume", webhooks.webhooks_resume),
    ("GET", "/_devstack/webhooks/rules", webhooks.webhooks_rules),
    ("POST", "/_devstack/webhooks/rules", webhooks.webhooks_rules),
    ("DELETE", "/_devstack/webhooks/rules", webhooks.webhooks_rules),
    ("POST", "/_devstack/webhooks/deliver", webhooks.webhooks_deliver),
    ("POST", "/_devstack/webhooks/resend", webhooks.webhooks_resend),
    ("POST", "/_devstack/webhooks/retry", webhooks.webhooks_retry),
    ("GET", "/_devstack/events", webhooks.events),
    ("GET", "/_devstack/faults", faults.faults),
    ("POST", "/_devstack/faults", faults.faults),
    ("DELETE", "/_devstack/faults", faults.faults),
    ("GET", "/_devstack/calls", faults.calls),
    ("DELETE", "/_devstack/calls", faults.calls),
]


def build(stand_in: StandIn) -> Starlette:
    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        work = asyncio.create_task(stand_in.run())
        try:
            yield
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            stand_in.store.close()

    def bound(view: View) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            return await view(stand_in, request)

        return endpoint

    def guarded(view: View) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                return await view(stand_in, request)
            except (asking.Refused, StripeFault, LookupError) as exc:
                return asking.refused(exc)

        return endpoint

    async def every_call(request: Request) -> Response:
        return await api.answer(stand_in, request)

    routes = [
        Mount("/_devstack/static", StaticFiles(directory=_STATIC)),
        *(Route(path, guarded(view), methods=[method]) for method, path, view in _CONTROLS),
        *(Route(path, bound(view), methods=[method]) for method, path, view in _PAGES),
        Route("/{rest:path}", every_call, methods=["GET", "POST", "DELETE", "PUT", "PATCH"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)
