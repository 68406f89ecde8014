"""Fixtures of tests in the real runtime. One stack serves all of them, so each test makes tenants of its own."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from devstack.stack.stack import Stack
from tests.support.stripe_accounts import StripeControls


@pytest.fixture(scope="session")
def stack(workerd_stack: Stack) -> Stack:
    """Four workers in workerd."""
    return workerd_stack


@pytest.fixture(scope="session")
def stripe(stack: Stack) -> Iterator[StripeControls]:
    """The API and the controls of the stack's Stripe."""
    controls = StripeControls(stack)
    yield controls
    controls.close()


@pytest.fixture
def api(stack: Stack) -> Iterator[httpx.Client]:
    """api-multi."""
    with stack.client(stack.url("api-multi")) as client:
        yield client
