"""Fixtures that every test may use: the whole local stack in the real runtime, started once for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from devstack.stack.ports import Ports
from devstack.stack.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Four workers in workerd and both stand-ins, on free ports and an empty database, without real services' keys."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")

    def say(text: str) -> None:
        if reporter:
            reporter.write_line(f"stack: {text}")

    stack = Stack(
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
