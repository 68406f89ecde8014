"""Stops requests at named checkpoints, as a crash of the machine would."""

from __future__ import annotations

import asyncio

KEPT = 100


class Killed(BaseException):
    """This request's isolate died. Nothing catches it on its way out."""


class Checkpoints:
    """What is armed, and what was reached. Actions: `kill` at once, `hang` until the workers are killed, `fail`."""

    def __init__(self) -> None:
        self.armed: dict[str, str] = {}
        self.reached: list[str] = []
        self.held = 0
        self._death = asyncio.Event()

    def arm(self, actions: dict[str, str]) -> None:
        """Replaces what was armed before, and forgets what was reached."""
        self.armed, self.reached = dict(actions), []

    async def reach(self, name: str) -> None:
        self.reached = [*self.reached, name][-KEPT:]
        action = self.armed.get(name)
        if action == "kill":
            raise Killed(name)
        if action == "fail":
            raise RuntimeError(f"checkpoint {name} was told to fail")
        if action == "hang":
            self.held += 1
            try:
                await self._death.wait()
            finally:
                self.held -= 1
            raise Killed(name)

    def kill_all(self) -> None:
        """Whatever hangs dies, and nothing is armed any more."""
        self._death.set()
        self._death = asyncio.Event()
        self.arm({})
