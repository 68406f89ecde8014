"""Developers who call oauth-api."""

from __future__ import annotations

import pytest

from tests.support.developers import Developer, make_developer
from tests.support.stack import Stack
from tests.support.stripe_accounts import StripeControls


@pytest.fixture
def developer(stack: Stack, stripe: StripeControls) -> Developer:
    """A developer who pays, without a connected Stripe account."""
    return make_developer(stack, stripe, connected=())
