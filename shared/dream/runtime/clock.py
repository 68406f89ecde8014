"""The present moment. Local runs install a clock that tests can move."""

from __future__ import annotations

import time
from collections.abc import Callable

read: Callable[[], float] = time.time
"""Returns seconds since the epoch."""
