"""Owns the ASGI app of the Stripe stand-in: which URL goes to the API, a hosted page or a control.

How a test uses it without a server and without sockets:

    app = create_app(Config.from_json({...}), sender=send, real_time=SteppedTime())
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://stripe.test")
    await stand_in_of(app).deliver_due()  # sends, through `send`, every webhook that is due now
"""

import time
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from devstack.kit import controls, server
from devstack.kit.clock import RealTime
from devstack.kit.controls import View
from devstack.kit.sender import Sender
from devstack.kit.store import IN_MEMORY
from devstack.stripe import api, oauth
from devstack.stripe.config import Config
from devstack.stripe.controls import requests
from devstack.stripe.controls.routes import TABLE
from devstack.stripe.pages import checkout_page, connect_page, log_page, portal_page
from devstack.stripe.stand_in import StandIn

_STATIC = Path(__file__).resolve().parent / "static"

# The hosted pages and OAuth: method, path, view.
_PAGES: list[tuple[str, str, View[StandIn]]] = [
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


def create_app(
    config: Config,
    *,
    database: str = IN_MEMORY,
    sender: Sender | None = None,
    real_time: RealTime = time.time,
) -> Starlette:
    """Makes the app. It needs no event loop until the first request.

    `database` is the path of a SQLite file. `sender` sends every POST: webhooks, and the clock's offset to its subscribers.
    By default it uses the network. `real_time` returns seconds since 1970; a test passes `SteppedTime`.
    Only a server starts the background work; a test calls `deliver_due` instead.
    """
    stand_in = StandIn(config, database=database, sender=sender, real_time=real_time)

    async def every_call(request: Request) -> Response:
        return await api.answer(stand_in, request)

    refusing = [(method, path, requests.refusing(view)) for method, path, view in TABLE]
    routes = [
        Mount("/_devstack/static", StaticFiles(directory=_STATIC)),
        *controls.routes(stand_in, refusing),
        *controls.routes(stand_in, _PAGES),
        Route("/{rest:path}", every_call, methods=["GET", "POST", "DELETE", "PUT", "PATCH"]),
    ]
    app = Starlette(routes=routes, lifespan=server.lifespan(stand_in))
    app.state.stand_in = stand_in
    return app


def stand_in_of(app: Starlette) -> StandIn:
    """The stand-in behind an app that `create_app` made."""
    return app.state.stand_in
