"""Waits for what happens after an answer has gone. The one place where tests poll."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_SECONDS = 30.0
PAUSE_SECONDS = 0.02


def eventually(
    condition: Callable[[], object], what: str = "the condition", *, seconds: float = PATIENCE_SECONDS
) -> None:
    """Returns when the condition holds. Raises AssertionError, which names `what`, if it does not hold in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not hold within {seconds:.0f} seconds"
        time.sleep(PAUSE_SECONDS)
