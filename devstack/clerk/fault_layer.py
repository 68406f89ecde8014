"""Owns the ASGI layer that records every call except calls of controls, and answers with a fault if one matches."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from devstack.clerk import errors
from devstack.clerk.stand_in import StandIn
from devstack.kit.calls import Call
from devstack.kit.faults import Fault

CONTROL_PREFIX = "/_devstack"


class FaultLayer:
    """Records each call. If a fault matches, waits its `wait_seconds` and answers its error."""

    def __init__(self, app: ASGIApp, stand_in: StandIn) -> None:
        self._app = app
        self._stand_in = stand_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(CONTROL_PREFIX):
            await self._app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        self._stand_in.calls.add(Call(method, path))
        fault = self._stand_in.faults.take(method, path)
        if fault is None:
            await self._app(scope, receive, send)
            return
        await fault.wait()
        await _error(fault).to_response()(scope, receive, send)


def _error(fault: Fault) -> errors.ClerkError:
    if fault.status == 429:
        return errors.too_many_requests(fault.retry_after_seconds)
    if fault.status == 401:
        return errors.secret_key_invalid()
    return errors.unavailable(fault.status or 500)
