"""Injection points for local runs. In production nothing is installed here: the clock is real and checkpoints do nothing."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

clock: Callable[[], float] = time.time
"""Seconds since the epoch, as the product sees them. Signatures and rate limits of the outside world use the real clock."""


async def _pass(name: str) -> None:
    return None


checkpoint: Callable[[str], Awaitable[None]] = _pass
"""Called between the steps of work that must survive being killed half-way; the name says what has just been done."""
