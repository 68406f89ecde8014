"""Named points between the steps of work that must survive a stop at any moment.

Local runs install a function that can stop the worker at such a point. In production a checkpoint does nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable


async def _do_nothing(name: str) -> None:
    return None


reached: Callable[[str], Awaitable[None]] = _do_nothing
"""Call it when a step is done. The argument names the step."""
