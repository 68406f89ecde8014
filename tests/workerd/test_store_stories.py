"""Random stories of stores on the real D1, ten at a time. tests/api_multi plays many more in process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from devstack.stack.stack import Stack
from tests.support import store_story
from tests.support.profile import repetitions
from tests.support.store_story import World
from tests.support.stripe_accounts import StripeControls

STORIES = repetitions("STORE_STORIES", quick=5, torture=500)
SEED = int(os.environ.get("STORE_SEED", "20261124"))
AT_ONCE = 10


@pytest.fixture
def world(stack: Stack, stripe: StripeControls) -> Iterator[World]:
    yield store_story.begin(stack, stripe)
    stripe.clear("webhooks/rules")


def test_random_stories_never_break_the_stock(world: World) -> None:
    seeds = range(SEED, SEED + STORIES)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for played in [pool.submit(store_story.play_all, world, seeds[first::AT_ONCE]) for first in range(AT_ONCE)]:
            played.result()
