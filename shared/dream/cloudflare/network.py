"""The network: the runtime's fetch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import js
from pyodide.ffi import JsException
from workers import fetch as workers_fetch

from dream.runtime.bindings import FetchResponse, VendorUnreachable
from dream.runtime.context import RoundTrips


class Network:
    """Sends requests to vendors. A redirect is returned as an answer and never followed, because it could leave the vendor."""

    __slots__ = ("_trips",)

    def __init__(self, trips: RoundTrips) -> None:
        self._trips = trips

    async def __call__(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: str | bytes | None = None,
        timeout_seconds: float = 10.0,
    ) -> FetchResponse:
        self._trips.fetches += 1
        options: dict[str, Any] = {"body": body} if body is not None else {}
        try:
            response = await workers_fetch(
                url,
                method=method,
                headers=dict(headers or {}),
                redirect="manual",
                signal=js.AbortSignal.timeout(int(timeout_seconds * 1000)),
                **options,
            )
            content = await response.bytes()
        except (OSError, JsException) as error:
            raise VendorUnreachable(str(error)) from None
        return FetchResponse(
            response.status, {name.lower(): value for name, value in response.headers.items()}, content
        )
