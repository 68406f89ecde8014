"""Owns the ASGI app of the Clerk stand-in: which URL goes to which API, page or control.

  {issuer}/.well-known/jwks.json        the public keys of an instance
  {issuer}/v1/...                       its Frontend API, for clerk-js
  {issuer}/npm/@clerk/clerk-js@6/dist/  the real clerk-js, from node_modules
  {issuer}/sign-up, /sign-in, /user     its hosted pages; `?redirect_url=` is where they send the browser afterwards
  /v1/...                               the Backend API of all instances; the secret key selects the instance
  /_devstack/...                        the controls
  /, /_devstack/deliveries              pages for developers

A page loads clerk-js with `data-clerk-publishable-key` and `data-clerk-proxy-url` (the issuer), or as a module with
`new Clerk(key, {proxyUrl: issuer})`.

How a test uses it without a server and without sockets:

    app = create_app(Config.from_json({...}), sender=send, real_time=SteppedTime())
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://clerk.test")
    await stand_in_of(app).deliver_due()  # sends, through `send`, every webhook that is due now
"""

from __future__ import annotations

import time

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from devstack.clerk import backend_api, errors, frontend_api, library
from devstack.clerk.config import Config, Instance
from devstack.clerk.controls.routes import TABLE
from devstack.clerk.fault_layer import FaultLayer
from devstack.clerk.pages import hosted, log_page
from devstack.clerk.stand_in import StandIn
from devstack.kit import controls, server
from devstack.kit.clock import RealTime
from devstack.kit.controls import View
from devstack.kit.sender import Sender
from devstack.kit.store import IN_MEMORY

# Response headers that clerk-js reads on pages of other origins.
_EXPOSED_HEADERS = ("Authorization", "Clerk-Db-Jwt", "Retry-After", "X-Country")


async def _health(_stand_in: StandIn, _request: Request) -> Response:
    return JSONResponse({"status": "ok", "service": "clerk"})


_PAGES: list[tuple[str, str, View[StandIn]]] = [
    ("GET", "/", log_page.start),
    ("GET", "/health", _health),
    ("GET", "/_devstack/deliveries", log_page.deliveries),
]


class BrowserLayer:
    """Adds CORS headers with credentials, except to the Backend API, which is not for browsers."""

    def __init__(self, app: ASGIApp) -> None:
        self._plain = app
        self._shared = CORSMiddleware(
            app,
            allow_origin_regex=".*",
            allow_credentials=True,
            allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
            allow_headers=("*",),
            expose_headers=_EXPOSED_HEADERS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        backend = scope["type"] != "http" or scope["path"].startswith("/v1/")
        await (self._plain if backend else self._shared)(scope, receive, send)


def create_app(
    config: Config,
    *,
    database: str = IN_MEMORY,
    sender: Sender | None = None,
    real_time: RealTime = time.time,
) -> Starlette:
    """Makes the app. It needs no event loop until the first request.

    `database` is the path of a SQLite file. `sender` sends every webhook; by default it uses the network.
    `real_time` returns seconds since 1970; a test passes `SteppedTime`.
    Only a server starts the background work; a test calls `deliver_due` instead.
    """
    stand_in = StandIn(config, database=database, sender=sender, real_time=real_time)
    app = Starlette(
        routes=[
            *controls.routes(stand_in, _PAGES),
            Mount("/v1", routes=backend_api.routes(stand_in)),
            *controls.routes(stand_in, TABLE),
            *(Mount(instance.prefix, routes=_instance_routes(stand_in, instance)) for instance in config.instances),
        ],
        middleware=[Middleware(BrowserLayer), Middleware(FaultLayer, stand_in)],
        exception_handlers={errors.ClerkError: _clerk_error, HTTPException: _http_error},
        lifespan=server.lifespan(stand_in),
    )
    app.state.stand_in = stand_in
    return app


def stand_in_of(app: Starlette) -> StandIn:
    """The stand-in behind an app that `create_app` made."""
    return app.state.stand_in


def _instance_routes(stand_in: StandIn, instance: Instance) -> list[Route]:
    async def jwks(_: Request) -> Response:
        return JSONResponse(stand_in.keys.jwks(instance), headers={"Cache-Control": "public, max-age=60"})

    async def openid_configuration(_: Request) -> Response:
        return JSONResponse(
            {
                "issuer": instance.issuer,
                "jwks_uri": f"{instance.issuer}/.well-known/jwks.json",
                "id_token_signing_alg_values_supported": ["RS256"],
                "subject_types_supported": ["public"],
            }
        )

    return [
        Route("/.well-known/jwks.json", jwks),
        Route("/.well-known/openid-configuration", openid_configuration),
        *frontend_api.routes(stand_in, instance),
        *library.routes(),
        *hosted.routes(stand_in, instance),
    ]


async def _clerk_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, errors.ClerkError)
    return error.to_response()


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        return errors.method_not_allowed().to_response()
    return errors.route_not_found().to_response()
