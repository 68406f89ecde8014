"""Fixtures for the tests of devstack itself."""

from __future__ import annotations

import pytest

from devstack.stack.stack import Stack


@pytest.fixture(scope="session")
def stack(workerd_stack: Stack) -> Stack:
    """Four workers in workerd."""
    return workerd_stack
