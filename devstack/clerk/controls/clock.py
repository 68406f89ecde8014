"""Owns the controls that show and move the clock."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from devstack.clerk.controls.requests import fields_of, required
from devstack.clerk.stand_in import StandIn


async def show(stand_in: StandIn, request: Request) -> Response:
    return JSONResponse({"offsetSeconds": stand_in.clock.offset_seconds, "now": stand_in.clock.seconds()})


async def move(stand_in: StandIn, request: Request) -> Response:
    """Moves the clock: `{"offsetSeconds": n}`. The Stripe stand-in calls this when a test moves its clock."""
    stand_in.clock.set_offset(float(required(await fields_of(request), "offsetSeconds")))
    return await show(stand_in, request)
