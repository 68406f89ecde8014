"""Guarantee: whatever carts, payments, refunds and events do, in whatever order they come, stock is right to the unit."""

from __future__ import annotations

import os

from tests.support import store_story
from tests.support.profile import repetitions
from tests.support.stack import Stack
from tests.support.stripe_accounts import StripeControls

STORIES = repetitions("STORE_STORIES", quick=100, torture=5000)
SEED = int(os.environ.get("STORE_SEED", "20261124"))


def test_random_stories_never_break_the_stock(stack: Stack, stripe: StripeControls) -> None:
    world = store_story.begin(stack, stripe)
    happened = store_story.play_all(world, range(SEED, SEED + STORIES))
    # The stories show something only if all of this happened in them.
    for status in store_story.STATUSES:
        assert happened[status] > 0 or STORIES < 100, happened
