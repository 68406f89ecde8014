"""Owns the HTTP clients of a running stack's services."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

TIMEOUT_SECONDS = 90.0
MAXIMUM_CONNECTIONS = 50


class Clients:
    """One shared client for each service. `url_of` gives the base URL of a service by its name."""

    def __init__(self, url_of: Callable[[str], str]) -> None:
        self._url_of = url_of
        self._shared: dict[str, httpx.Client] = {}

    def shared(self, service: str) -> httpx.Client:
        """A client of one service that keeps no cookies."""
        if service not in self._shared:
            self._shared[service] = httpx.Client(
                base_url=self._url_of(service),
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                # A restarted worker closes its connections, so an idle connection must not be used again.
                limits=httpx.Limits(max_connections=MAXIMUM_CONNECTIONS, max_keepalive_connections=0),
                timeout=TIMEOUT_SECONDS,
                trust_env=False,
            )
        return self._shared[service]

    def new(self, base_url: str) -> httpx.Client:
        """A client that keeps cookies. The caller closes it."""
        return httpx.Client(base_url=base_url, timeout=TIMEOUT_SECONDS, trust_env=False)

    def at_once(self, requests: Sequence[httpx.Request]) -> list[httpx.Response]:
        """Sends all requests at the same time, over MAXIMUM_CONNECTIONS at most. Returns their answers in the same order."""

        async def run() -> list[httpx.Response]:
            limits = httpx.Limits(max_connections=MAXIMUM_CONNECTIONS)
            async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, limits=limits, trust_env=False) as client:
                return await asyncio.gather(*map(client.send, requests))

        return asyncio.run(run())

    def close(self) -> None:
        for client in self._shared.values():
            client.close()
        self._shared.clear()
