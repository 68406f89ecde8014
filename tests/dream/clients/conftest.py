"""Our clients over a real network to the stand-ins, and over one that answers as a test says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import httpx
import pytest

from dream.clients import clerk, stripe_http
from dream.runtime.bindings import FetchResponse, VendorUnreachable
from tests.devstack.clerk.conftest import StandInProcess
from tests.devstack.stripe.conftest import CLIENT_IDS, KEYS, Receiver, Service, receiver, service
from tests.support.fake_fetch import FakeFetch
from tests.support.world import World

__all__ = ["receiver", "service"]


class HttpFetch(FakeFetch):
    """Our `Fetch` over httpx: no redirects, no answer is an error."""

    async def __call__(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: str | bytes | None = None,
        timeout_seconds: float = 10.0,
    ) -> FetchResponse:
        async with httpx.AsyncClient(timeout=timeout_seconds, trust_env=False) as client:
            try:
                answer = await client.request(method, url, headers=dict(headers or {}), content=body)
            except httpx.TransportError as error:
                raise VendorUnreachable(str(error)) from error
        return FetchResponse(
            answer.status_code, {name.lower(): text for name, text in answer.headers.items()}, answer.content
        )


def stripe_settings(base: str) -> dict[str, str]:
    return {
        "STRIPE_API_BASE": base,
        "STRIPE_CONNECT_BASE": base,
        "STRIPE_SECRET_KEY_TEST": KEYS["test"],
        "STRIPE_SECRET_KEY_LIVE": KEYS["live"],
        "STRIPE_CLIENT_ID_TEST": CLIENT_IDS["test"],
        "STRIPE_CLIENT_ID_LIVE": CLIENT_IDS["live"],
    }


@pytest.fixture
def stand_in(service: Service, receiver: Receiver) -> World:
    """A world in which Stripe is the stand-in."""
    return World(HttpFetch(), stripe_settings(service.url))


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody waits between retries; how long they would have is written down."""
    noted: list[float] = []

    async def sleep(seconds: float) -> None:
        noted.append(seconds)

    for module in (stripe_http, clerk):
        monkeypatch.setattr(f"{module.__name__}.asyncio.sleep", sleep)
    return noted


@pytest.fixture(scope="session")
def clerk_stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandInProcess]:
    """The Clerk stand-in, whose webhooks nobody hears."""
    running = StandInProcess(tmp_path_factory.mktemp("clerk"), "http://127.0.0.1:9")
    running.start()
    yield running
    running.stop()
