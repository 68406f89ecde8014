"""How much random testing a run does. Every run does a short cut (`quick`); `make torture` does all of it (`torture`)."""

from __future__ import annotations

import os

PROFILE = os.environ.get("TEST_PROFILE", "quick")
"""Also the name of the hypothesis profile."""


def repetitions(variable: str, *, quick: int, torture: int) -> int:
    """How often to repeat a random story. The environment variable of this name comes before the profile."""
    return int(os.environ.get(variable, torture if PROFILE == "torture" else quick))
