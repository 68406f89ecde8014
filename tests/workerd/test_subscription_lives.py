"""Random lives of subscriptions on the real D1. tests/api_multi plays many more in process."""

from __future__ import annotations

import os

import pytest

from devstack.stack.stack import Stack
from tests.support.profile import repetitions
from tests.support.stripe_accounts import StripeControls
from tests.support.subscription_lives import live_side_by_side

LIVES = repetitions("SUBSCRIPTION_LIVES", quick=5, torture=200)
SEED = int(os.environ.get("SUBSCRIPTION_SEED", "20261124"))
SIDE_BY_SIDE = min(LIVES, 20)
DELIVERIES = 10_000


@pytest.mark.parametrize("round_number", range(-(-LIVES // SIDE_BY_SIDE)))
def test_after_any_life_and_any_order_of_events_d1_says_what_stripe_says(
    stack: Stack, stripe: StripeControls, round_number: int
) -> None:
    live_side_by_side(stack, stripe, SEED + round_number, SIDE_BY_SIDE, DELIVERIES)
