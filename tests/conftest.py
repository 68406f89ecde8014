"""Fixtures that every test may use. `stack` is the whole stack in this process, fresh for each test; in tests/workerd and
tests/devstack it is the one in the real runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
from hypothesis import settings

from devstack.stack.ports import Ports
from devstack.stack.stack import Stack as WorkerdStack
from tests.support.clerk_controls import ClerkControls
from tests.support.in_process.stack import InProcessStack
from tests.support.profile import PROFILE
from tests.support.stack import Stack
from tests.support.stores import MUG, POSTER, Seller, Store, make_seller, make_store
from tests.support.stripe_accounts import StripeControls

# A test that is slow because the machine is busy has not failed, so there is no deadline.
settings.register_profile("quick", deadline=None, max_examples=60)
settings.register_profile("torture", deadline=None, max_examples=2000)
settings.load_profile(PROFILE)


@pytest.fixture
def stack() -> Iterator[InProcessStack]:
    """Four workers, Stripe, Clerk and an empty D1, all in this process."""
    stack = InProcessStack()
    yield stack
    stack.close()


@pytest.fixture
def stripe(stack: Stack) -> Iterator[StripeControls]:
    """The API and the controls of the stack's Stripe."""
    controls = StripeControls(stack)
    yield controls
    controls.close()


@pytest.fixture
def clerk(stack: Stack) -> Iterator[ClerkControls]:
    """The controls of the stack's Clerk."""
    controls = ClerkControls(stack)
    yield controls
    controls.close()


@pytest.fixture
def api(stack: Stack) -> httpx.Client:
    """api-multi."""
    return stack.http("api-multi")


@pytest.fixture
def seller(stack: Stack, stripe: StripeControls) -> Seller:
    return make_seller(stack, stripe)


@pytest.fixture
def open_store(stack: Stack, stripe: StripeControls, seller: Seller) -> Iterator[Callable[[], Store]]:
    """Makes stores of one seller, each with five mugs and two posters."""
    made: list[Store] = []

    def open_one() -> Store:
        made.append(make_store(stack, stripe, seller, [MUG, POSTER]))
        return made[-1]

    yield open_one
    for store in made:
        store.close()


@pytest.fixture
def store(open_store: Callable[[], Store]) -> Store:
    """A store with five mugs and two posters."""
    return open_store()


@pytest.fixture(scope="session")
def workerd_stack(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[WorkerdStack]:
    """Four workers in workerd and both stand-ins, on free ports and an empty database, without real services' keys."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")

    def say(text: str) -> None:
        if reporter:
            reporter.write_line(f"stack: {text}")

    stack = WorkerdStack(
        tmp_path_factory.mktemp("stack"),
        Ports.free(),
        rate_limit_per_minute=100_000,
        debug_round_trips=True,
        reload_on_save=False,
        frontend=False,
        say=say,
    )
    stack.start()
    yield stack
    stack.stop()
