"""Developers who call front-auth-api."""

from __future__ import annotations

import pytest

from tests.support.developers import Developer, make_developer
from tests.support.platform_events import PlatformEvents
from tests.support.stack import Stack
from tests.support.stripe_accounts import StripeControls
from tests.support.tenants import Tenant, make_tenant


@pytest.fixture
def newcomer(stack: Stack, stripe: StripeControls) -> Developer:
    """A developer who signed up just now. D1 has no platform of theirs."""
    return make_developer(stack, stripe, platform=False)


@pytest.fixture
def developer(stack: Stack, stripe: StripeControls) -> Developer:
    """A developer who pays, with a Stripe account connected in test mode."""
    return make_developer(stack, stripe)


@pytest.fixture
def project(stack: Stack, developer: Developer) -> Tenant:
    """A project of the developer."""
    return make_tenant(stack, platform=(developer.platform_id, developer.user_id))


@pytest.fixture
def events(stack: Stack, stripe: StripeControls) -> PlatformEvents:
    """Deliveries of Stripe's and Clerk's events, by hand."""
    return PlatformEvents(stack, stripe)


@pytest.fixture
def no_deliveries(stripe: StripeControls) -> None:
    """Stripe delivers nothing by itself: the test delivers by hand, or the events are lost."""
    stripe.control("webhooks/rules", {"drop": True})
