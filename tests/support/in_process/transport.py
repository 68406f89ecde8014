"""The transport with which synchronous httpx clients call the in-process stack."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx

from tests.support.in_process.event_loop import event_loop

Exchange = Callable[[httpx.Request], Awaitable[httpx.Response]]


class InProcessTransport(httpx.BaseTransport):
    """Sends each request to `exchange` on the loop's thread. Any thread may call."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        return event_loop().run(self._exchanged(request))

    async def _exchanged(self, request: httpx.Request) -> httpx.Response:
        return await self._exchange(request)
