"""Owns the controls of health and time."""

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from devstack.stripe.controls.asking import Refused, body_of
from devstack.stripe.stand_in import StandIn


async def health(stand_in: StandIn, request: Request) -> Response:
    return JSONResponse({"ok": True, "now": stand_in.clock.now(), "platformAccount": stand_in.config.platform_account})


def _clock(stand_in: StandIn, **more: Any) -> Response:
    now = stand_in.clock.now()
    return JSONResponse(
        {
            "now": now,
            "iso": datetime.fromtimestamp(now).astimezone().isoformat(),
            "offsetSeconds": stand_in.clock.offset,
            **more,
        }
    )


async def read_clock(stand_in: StandIn, request: Request) -> Response:
    return _clock(stand_in)


async def move_clock(stand_in: StandIn, request: Request) -> Response:
    body = await body_of(request)
    if body.get("reset"):
        offset = 0
    elif "advanceSeconds" in body:
        offset = stand_in.clock.offset + int(body["advanceSeconds"])
    elif "to" in body:
        offset = stand_in.clock.offset + _moment(body["to"]) - stand_in.clock.now()
    else:
        raise Refused("Give advanceSeconds, to, or reset.")
    fired, told = await stand_in.move_clock(offset)
    return _clock(stand_in, fired=fired, subscribers=told)


def _moment(value: Any) -> int:
    try:
        return int(value) if isinstance(value, int) else int(datetime.fromisoformat(value).timestamp())
    except (TypeError, ValueError):
        raise Refused("`to` is an ISO 8601 time or seconds since 1970.") from None
