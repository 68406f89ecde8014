"""Owns the controls that make calls fail, and those that count calls."""

from collections import Counter

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from devstack.kit.controls import Refused, fields_of
from devstack.kit.faults import Fault
from devstack.stripe.stand_in import StandIn

_FIELDS = ("method", "times", "status", "seconds", "after", "code")


async def show(stand_in: StandIn, request: Request) -> Response:
    faults = [
        {
            "method": fault.method,
            "path": fault.path,
            "times": fault.times,
            "status": fault.status,
            "seconds": fault.wait_seconds,
            "after": fault.after,
            "code": fault.code,
        }
        for fault in stand_in.faults.pending
    ]
    return JSONResponse({"faults": faults})


async def add(stand_in: StandIn, request: Request) -> Response:
    """The next `times` calls to `path` wait `seconds`, then fail with `status`."""
    fields = await fields_of(request)
    if "path" not in fields or set(fields) - {"path", *_FIELDS}:
        raise Refused(f"A fault must have path, and may have {', '.join(sorted(_FIELDS))}.")
    given = {"wait_seconds" if name == "seconds" else name: value for name, value in fields.items()}
    stand_in.faults.add(Fault(**given))
    return await show(stand_in, request)


async def clear(stand_in: StandIn, request: Request) -> Response:
    stand_in.faults.clear()
    return await show(stand_in, request)


async def calls(stand_in: StandIn, request: Request) -> Response:
    """The recorded calls. `?method=` and `?path=` (glob patterns) and `?account=` filter them."""
    query = request.query_params
    found = stand_in.calls.matching(query.get("method", "*"), query.get("path", "*"))
    if "account" in query:
        found = [call for call in found if call.details["account"] == query["account"]]
    by_route = Counter(f"{call.method} {call.details['route']}" for call in found)
    shown = [{"method": call.method, "path": call.path, **call.details} for call in found]
    return JSONResponse({"total": len(found), "byRoute": dict(by_route), "calls": shown})


async def clear_calls(stand_in: StandIn, request: Request) -> Response:
    stand_in.calls.clear()
    return await calls(stand_in, request)
