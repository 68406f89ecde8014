"""Owns the controls that show and move the clock, and the health check."""

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from devstack.kit.controls import Refused, fields_of
from devstack.stripe.stand_in import StandIn


async def health(stand_in: StandIn, request: Request) -> Response:
    return JSONResponse(
        {"ok": True, "now": stand_in.clock.seconds(), "platformAccount": stand_in.config.platform_account}
    )


def _shown(stand_in: StandIn, **more: Any) -> Response:
    now = stand_in.clock.seconds()
    return JSONResponse(
        {
            "now": now,
            "iso": datetime.fromtimestamp(now).astimezone().isoformat(),
            "offsetSeconds": int(stand_in.clock.offset_seconds),
            **more,
        }
    )


async def show(stand_in: StandIn, request: Request) -> Response:
    return _shown(stand_in)


async def move(stand_in: StandIn, request: Request) -> Response:
    """Moves the clock: `{"advanceSeconds": n}`, `{"to": time}`, or `{"reset": true}` for the real time."""
    body = await fields_of(request)
    if body.get("reset"):
        offset = 0
    elif "advanceSeconds" in body:
        offset = int(stand_in.clock.offset_seconds) + int(body["advanceSeconds"])
    elif "to" in body:
        offset = int(stand_in.clock.offset_seconds) + _moment(body["to"]) - stand_in.clock.seconds()
    else:
        raise Refused("The body must have advanceSeconds, to or reset.")
    fired, answers = await stand_in.move_clock(offset)
    return _shown(stand_in, fired=fired, subscribers=answers)


def _moment(value: Any) -> int:
    try:
        return int(value) if isinstance(value, int) else int(datetime.fromisoformat(value).timestamp())
    except (TypeError, ValueError):
        raise Refused("`to` must be an ISO 8601 time or seconds since 1970.") from None
