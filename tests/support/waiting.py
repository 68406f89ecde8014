"""Waiting for what happens after an answer has gone."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_SECONDS = 15.0


def eventually(condition: Callable[[], bool]) -> None:
    """Look until the condition holds; fail when it still does not after a while."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.05)
