"""What tests do to the wire: count calls, and make the next ones fail or hang. An ASGI layer around the app."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from devstack.clerk import errors

CONTROL_PREFIX = "/_devstack"


@dataclass(frozen=True)
class Fault:
    """The next `times` calls whose method and path match get `status`, or nothing at all for `hang_seconds`."""

    path: str
    method: str = "*"
    times: int = 1
    status: int = 500
    retry_after_seconds: int = 1
    hang_seconds: float = 0

    def matches(self, method: str, path: str) -> bool:
        return self.method in ("*", method) and fnmatchcase(path, self.path)

    def error(self) -> errors.ClerkError:
        if self.status == 429:
            return errors.too_many_requests(self.retry_after_seconds)
        if self.status == 401:
            return errors.secret_key_invalid()
        return errors.unavailable(self.status)


class Faults:
    """Pending faults and the tally of calls; in memory only."""

    def __init__(self) -> None:
        self.pending: list[Fault] = []
        self.calls: Counter[tuple[str, str]] = Counter()

    def add(self, fault: Fault) -> None:
        self.pending.append(fault)

    def take(self, method: str, path: str) -> Fault | None:
        for index, fault in enumerate(self.pending):
            if fault.matches(method, path):
                left = replace(fault, times=fault.times - 1)
                self.pending[index : index + 1] = [left] if left.times > 0 else []
                return fault
        return None

    def clear(self) -> None:
        self.pending.clear()

    def tally(self, method: str, path: str) -> list[dict[str, Any]]:
        """Calls by method and path, both as glob patterns."""
        return [
            {"method": called_method, "path": called_path, "count": count}
            for (called_method, called_path), count in sorted(self.calls.items())
            if fnmatchcase(called_method, method) and fnmatchcase(called_path, path)
        ]


class FaultLayer:
    """Counts every call outside the controls, and answers it with a pending fault if one matches."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(CONTROL_PREFIX):
            await self._app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        self._faults.calls[method, path] += 1
        fault = self._faults.take(method, path)
        if fault is None:
            await self._app(scope, receive, send)
            return
        if fault.hang_seconds:
            await asyncio.sleep(fault.hang_seconds)
        await fault.error().to_response()(scope, receive, send)
