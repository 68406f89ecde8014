"""Projects that end users sign up to, and a visitor of the sign-up pages."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.sign_up_flows import with_origin
from tests.support.stack import Stack
from tests.support.tenants import Tenant, make_tenant


@pytest.fixture
def tenant(stack: Stack) -> Tenant:
    """A test project with a registered origin."""
    return with_origin(stack, make_tenant(stack))


@pytest.fixture
def live(stack: Stack) -> Tenant:
    """A live project with a registered origin."""
    return with_origin(stack, make_tenant(stack, mode="live"))


@pytest.fixture
def visitor(stack: Stack) -> Iterator[httpx.Client]:
    """A browser at sign-up: it keeps cookies and follows no redirect."""
    with stack.client(stack.url("sign-up")) as client:
        yield client
