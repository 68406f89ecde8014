"""Guarantee: after any life of a subscription and any order of its events, D1 says what Stripe says."""

from __future__ import annotations

import os

import pytest

from tests.support.profile import repetitions
from tests.support.stack import Stack
from tests.support.stripe_accounts import StripeControls
from tests.support.subscription_lives import live_side_by_side

LIVES = repetitions("SUBSCRIPTION_LIVES", quick=40, torture=2000)
SEED = int(os.environ.get("SUBSCRIPTION_SEED", "20261124"))
SIDE_BY_SIDE = 20
DELIVERIES = repetitions("SUBSCRIPTION_DELIVERIES", quick=60, torture=1000)


@pytest.mark.parametrize("round_number", range(-(-LIVES // SIDE_BY_SIDE)))
def test_after_any_life_and_any_order_of_events_d1_says_what_stripe_says(
    stack: Stack, stripe: StripeControls, round_number: int
) -> None:
    live_side_by_side(stack, stripe, SEED + round_number, SIDE_BY_SIDE, DELIVERIES)
