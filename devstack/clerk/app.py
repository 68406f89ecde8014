"""The ASGI application: every instance's Frontend API and pages under its issuer, one Backend API, and the controls."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from devstack.clerk import backend_api, controls, errors, frontend_api, hosted_pages, library
from devstack.clerk.config import Config, Instance
from devstack.clerk.faults import FaultLayer
from devstack.clerk.stand_in import StandIn, build

# Headers clerk-js reads from answers to pages of another origin.
_EXPOSED_HEADERS = ("Authorization", "Clerk-Db-Jwt", "Retry-After", "X-Country")


class BrowserLayer:
    """CORS with credentials everywhere but on the Backend API, which is not for browsers."""

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


def create_app(config: Config, db_path: str) -> ASGIApp:
    """The whole stand-in; its lifespan delivers webhooks and closes the store."""
    stand_in = build(config, db_path)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        delivering = asyncio.create_task(stand_in.webhooks.run())
        yield
        delivering.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await delivering
        stand_in.store.close()

    app = Starlette(
        routes=[
            Route("/", _index(stand_in)),
            Route("/health", _health),
            Mount("/v1", routes=backend_api.routes(stand_in)),
            *controls.routes(stand_in),
            *(Mount(instance.prefix, routes=_instance_routes(stand_in, instance)) for instance in config.instances),
        ],
        exception_handlers={errors.ClerkError: _clerk_error, HTTPException: _http_error},
        lifespan=lifespan,
    )
    return BrowserLayer(FaultLayer(app, stand_in.faults))


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
        *hosted_pages.routes(stand_in, instance),
    ]


def _index(stand_in: StandIn) -> Callable[[Request], Awaitable[Response]]:
    async def index(_: Request) -> Response:
        return HTMLResponse(hosted_pages.render("index.html", instances=stand_in.config.instances))

    return index


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok", "service": "clerk"})


async def _clerk_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, errors.ClerkError)
    return error.to_response()


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        return errors.method_not_allowed().to_response()
    return errors.route_not_found().to_response()
