"""Fixtures of tests of api-multi."""

from __future__ import annotations

import pytest

from tests.support.stack import Stack
from tests.support.stripe_accounts import Saas, StripeControls, make_saas
from tests.support.tenants import Tenant, make_tenant


@pytest.fixture
def tenant(stack: Stack) -> Tenant:
    """A project whose prices are not at Stripe."""
    return make_tenant(stack)


@pytest.fixture
def saas(stack: Stack, stripe: StripeControls) -> Saas:
    """A project whose tiers are sold on a connected account."""
    return make_saas(stack, stripe)


@pytest.fixture
def other(stack: Stack, stripe: StripeControls) -> Saas:
    """Another developer's project."""
    return make_saas(stack, stripe)


@pytest.fixture
def user() -> str:
    """An end user's id."""
    return "user_ada"
