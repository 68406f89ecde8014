"""Owns the controls of health and time."""

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from devstack.stripe.controls.asking import Refused, body_of
from devstack.stripe.standin import StandIn


async def health(standin: StandIn, request: Request) -> Response:
    return JSONResponse({"ok": True, "now": standin.clock.now(), "platformAccount": standin.config.platform_account})


def _clock(standin: StandIn, **more: Any) -> Response:
    now = standin.clock.now()
    return JSONResponse(
        {
            "now": now,
            "iso": datetime.fromtimestamp(now).astimezone().isoformat(),
            "offsetSeconds": standin.clock.offset,
            **more,
        }
    )


async def read_clock(standin: StandIn, request: Request) -> Response:
    return _clock(standin)


async def move_clock(standin: StandIn, request: Request) -> Response:
    body = await body_of(request)
    if body.get("reset"):
        offset = 0
    elif "advanceSeconds" in body:
        offset = standin.clock.offset + int(body["advanceSeconds"])
    elif "to" in body:
        offset = standin.clock.offset + _moment(body["to"]) - standin.clock.now()
    else:
        raise Refused("Give advanceSeconds, to, or reset.")
    fired, told = await standin.move_clock(offset)
    return _clock(standin, fired=fired, subscribers=told)


def _moment(value: Any) -> int:
    try:
        return int(value) if isinstance(value, int) else int(datetime.fromisoformat(value).timestamp())
    except (TypeError, ValueError):
        raise Refused("`to` is an ISO 8601 time or seconds since 1970.") from None
