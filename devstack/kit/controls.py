"""Owns the routing and the body parsing of the controls under `/_devstack/`, and the controls that both stand-ins share."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devstack.kit.deliveries import Deliveries

S = TypeVar("S")
# A control or a page: (stand-in, request) -> response.
View = Callable[[S, Request], Awaitable[Response]]


class Refused(Exception):
    """A control cannot do what the request asks. The message says why."""


class HasDeliveries(Protocol):
    """A stand-in that sends webhooks."""

    @property
    def deliveries(self) -> Deliveries: ...


def routes(stand_in: S, table: Sequence[tuple[str, str, View[S]]]) -> list[Route]:
    """Makes Starlette routes of a table of (method, path, view)."""
    return [Route(path, _endpoint(stand_in, view), methods=[method]) for method, path, view in table]


def _endpoint(stand_in: S, view: View[S]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return await view(stand_in, request)

    return endpoint


async def fields_of(request: Request) -> dict[str, Any]:
    """The JSON object in the body; an empty one if there is no body. Raises Refused if the body is something else."""
    raw = await request.body()
    try:
        value: Any = json.loads(raw or b"{}")
    except ValueError:
        raise Refused("The body must be JSON.") from None
    if not isinstance(value, dict):
        raise Refused("The body must be a JSON object.")
    return cast("dict[str, Any]", value)


async def pause(stand_in: HasDeliveries, request: Request) -> Response:
    """Stops sending webhooks."""
    await stand_in.deliveries.pause()
    return JSONResponse({"paused": True})


async def resume(stand_in: HasDeliveries, request: Request) -> Response:
    """Sends webhooks again. `{"order"?: [delivery ids], "shuffle"?: bool}` sets the order of those that waited."""
    fields = await fields_of(request)
    stand_in.deliveries.resume(fields.get("order"), shuffle=bool(fields.get("shuffle")))
    return JSONResponse({"paused": False})
