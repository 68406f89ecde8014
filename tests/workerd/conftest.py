"""Fixtures of tests in the real runtime."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from devstack.stack.stack import Stack
from tests.stripe_accounts import StripeControls


@pytest.fixture(scope="session")
def stripe(stack: Stack) -> Iterator[StripeControls]:
    """The API and the controls of the stack's Stripe."""
    controls = StripeControls(stack)
    yield controls
    controls.close()


@pytest.fixture
def api(stack: Stack) -> Iterator[httpx.Client]:
    """api-multi."""
    with httpx.Client(base_url=stack.url("api-multi"), timeout=60) as client:
        yield client
