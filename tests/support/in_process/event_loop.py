"""One event loop for the whole test run, in its own thread. Tests are synchronous, and their threads share the loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

Result = TypeVar("Result")

PATIENCE_SECONDS = 60.0


class EventLoop:
    """Runs coroutines. Any thread may call it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="in-process stack", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Runs a coroutine and returns its result. Raises TimeoutError after a minute."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE_SECONDS)


@cache
def event_loop() -> EventLoop:
    """The loop of this test run."""
    return EventLoop()
