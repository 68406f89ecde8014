"""Owns the controls that make calls fail and count them."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from devstack.stripe.controls.asking import Refused, body_of
from devstack.stripe.faults import Fault
from devstack.stripe.stand_in import StandIn


async def faults(stand_in: StandIn, request: Request) -> Response:
    if request.method == "POST":
        body = await body_of(request)
        known = {"method", "path", "times", "status", "seconds", "after", "code"}
        strangers = set(body) - known
        if strangers or "path" not in body:
            raise Refused(f"A fault has a path and may have {', '.join(sorted(known - {'path'}))}.")
        fields: dict[str, Any] = {"method": "*", **body}
        stand_in.faults.waiting.append(Fault(**fields))
    elif request.method == "DELETE":
        stand_in.faults.waiting.clear()
    return JSONResponse({"faults": [fault.__dict__ for fault in stand_in.faults.waiting]})


async def calls(stand_in: StandIn, request: Request) -> Response:
    if request.method == "DELETE":
        stand_in.calls.seen.clear()
    query = request.query_params
    return JSONResponse(stand_in.calls.summary(query.get("method"), query.get("path"), query.get("account")))
