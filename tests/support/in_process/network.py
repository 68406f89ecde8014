"""A network in this process: apps by origin, and the `Fetch` with which workers call Stripe and Clerk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import httpx

from dream.runtime.bindings import FetchResponse, VendorUnreachable
from dream.runtime.context import RoundTrips
from tests.support.in_process.checkpoints import Killed
from tests.support.in_process.faults import Faults

Answering = Callable[[httpx.Request], Awaitable[httpx.Response]]


class Network(httpx.AsyncBaseTransport):
    """Sends each request to the app of its origin. If there is none, the connection is refused."""

    def __init__(self) -> None:
        self.hosts: dict[str, Answering] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = self.hosts.get(origin(request.url))
        if answer is None:
            raise httpx.ConnectError(f"no app is registered for {origin(request.url)}", request=request)
        try:
            return await answer(request)
        except Killed as death:
            raise httpx.RemoteProtocolError(f"the worker died at checkpoint {death}", request=request) from None


def origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode()}"


class VendorFetch:
    """The network for one request of a worker. Only the vendors can be reached."""

    def __init__(self, network: Network, faults: Mapping[str, Faults], trips: RoundTrips) -> None:
        self._network = network
        self._faults = faults
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
        await asyncio.sleep(0)
        request = httpx.Request(method, url, headers=dict(headers or {}), content=body)
        faults = self._faults.get(origin(request.url))
        if faults is None:
            raise VendorUnreachable(f"no app is registered for {origin(request.url)}")
        fails = faults.strikes()
        if fails and not faults.takes_effect:
            raise VendorUnreachable("a test told this vendor to be unreachable")
        try:
            async with asyncio.timeout(timeout_seconds):
                answer = await self._network.handle_async_request(request)
                content = await answer.aread()
        except (TimeoutError, httpx.TransportError) as error:
            raise VendorUnreachable(str(error)) from None
        if fails:
            raise VendorUnreachable("a test told this vendor to lose its answer")
        return FetchResponse(
            answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, content
        )
