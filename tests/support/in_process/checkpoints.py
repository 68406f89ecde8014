"""Stops requests at named checkpoints, as a crash does."""

from __future__ import annotations

import asyncio

KEPT = 100


class Killed(BaseException):
    """The isolate of this request died. No code of the product catches this exception."""


class Checkpoints:
    """The actions that a test set for checkpoints, and the checkpoints that were reached.

    An action is `kill` (at once), `hang` (until the workers are killed) or `fail`.
    """

    def __init__(self) -> None:
        self.armed: dict[str, str] = {}
        self.reached: list[str] = []
        self.held = 0
        self._death = asyncio.Event()

    def arm(self, actions: dict[str, str]) -> None:
        """Replaces the actions, and clears the list of reached checkpoints."""
        self.armed, self.reached = dict(actions), []

    async def reach(self, name: str) -> None:
        self.reached = [*self.reached, name][-KEPT:]
        action = self.armed.get(name)
        if action == "kill":
            raise Killed(name)
        if action == "fail":
            raise RuntimeError(f"a test made the checkpoint {name} fail")
        if action == "hang":
            self.held += 1
            try:
                await self._death.wait()
            finally:
                self.held -= 1
            raise Killed(name)

    def kill_all(self) -> None:
        """Kills all requests that hang, and removes the actions."""
        self._death.set()
        self._death = asyncio.Event()
        self.arm({})
