"""Our clients over a network that answers as a test says, and over the stand-ins in this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dream.clients import clerk as clerk_client
from dream.clients.stripe import http as stripe_http
from tests.devstack.stripe import conformity
from tests.devstack.stripe.conftest import CLIENT_IDS, KEYS
from tests.support.in_process.stack import InProcessStack


def stripe_settings(base: str) -> dict[str, str]:
    """The settings of a worker whose Stripe is at `base`."""
    return {
        "STRIPE_API_BASE": base,
        "STRIPE_CONNECT_BASE": base,
        "STRIPE_SECRET_KEY_TEST": KEYS["test"],
        "STRIPE_SECRET_KEY_LIVE": KEYS["live"],
        "STRIPE_CLIENT_ID_TEST": CLIENT_IDS["test"],
        "STRIPE_CLIENT_ID_LIVE": CLIENT_IDS["live"],
    }


@pytest.fixture
def vendors() -> Iterator[InProcessStack]:
    """A stack whose Stripe and Clerk a test calls through our clients. Whatever Stripe stored must have Stripe's own shapes."""
    stack = InProcessStack()
    yield stack
    shown = [each for each in stack.stripe_objects() if not each.get("deleted")]
    shown += [each["data"]["object"] for each in shown if each["object"] == "event"]
    stack.close()
    assert sorted({problem for each in shown for problem in conformity.check(each)}) == []


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody waits between retries; how long they would have is noted here."""
    noted: list[float] = []

    async def sleep(seconds: float) -> None:
        noted.append(seconds)

    for module in (stripe_http, clerk_client):
        monkeypatch.setattr(f"{module.__name__}.asyncio.sleep", sleep)
    return noted
