"""Owns the controls that make calls fail, and those that count calls."""

from __future__ import annotations

from collections import Counter

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from devstack.clerk.controls.requests import fields_of, required
from devstack.clerk.stand_in import StandIn
from devstack.kit.faults import Fault


async def show(stand_in: StandIn, request: Request) -> Response:
    faults = [
        {
            "method": fault.method,
            "path": fault.path,
            "times": fault.times,
            "status": fault.status,
            "retryAfter": fault.retry_after_seconds,
            "hangSeconds": fault.wait_seconds,
        }
        for fault in stand_in.faults.pending
    ]
    return JSONResponse({"faults": faults})


async def add(stand_in: StandIn, request: Request) -> Response:
    """Makes the next `times` calls to `path` (a glob pattern) wait `hangSeconds`, then fail with `status`.

    `method` limits the fault to one method. `retryAfter` is in the answer of a 429, in seconds.
    """
    fields = await fields_of(request)
    fault = Fault(
        path=str(required(fields, "path")),
        method=str(fields.get("method", "*")).upper(),
        times=int(fields.get("times", 1)),
        status=int(fields.get("status", 500)),
        retry_after_seconds=int(fields.get("retryAfter", 1)),
        wait_seconds=float(fields.get("hangSeconds", 0)),
    )
    stand_in.faults.add(fault)
    return await show(stand_in, request)


async def clear(stand_in: StandIn, request: Request) -> Response:
    stand_in.faults.clear()
    return await show(stand_in, request)


async def calls(stand_in: StandIn, request: Request) -> Response:
    """How often each path was called. `?method=` and `?path=` (glob patterns) filter the calls."""
    query = request.query_params
    found = stand_in.calls.matching(query.get("method", "*").upper(), query.get("path", "*"))
    counts = Counter((call.method, call.path) for call in found)
    shown = [{"method": method, "path": path, "count": count} for (method, path), count in sorted(counts.items())]
    return JSONResponse({"total": len(found), "calls": shown})


async def clear_calls(stand_in: StandIn, request: Request) -> Response:
    stand_in.calls.clear()
    return JSONResponse({"total": 0, "calls": []})
