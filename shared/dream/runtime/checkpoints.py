"""Named points between the steps of work that must survive being stopped half-way. Local runs install a function that can stop there.

In production nothing is installed, and a checkpoint does nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable


async def _do_nothing(name: str) -> None:
    return None


reached: Callable[[str], Awaitable[None]] = _do_nothing
"""Called when a step is done; the argument names the step."""
