"""Owns the faults that tests ask for: which calls fail, wait, or take effect without an answer. They are only in memory."""

import asyncio
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Fault:
    """The next `times` matching calls wait `wait_seconds`, then fail with `status`. If `status` is None, they only wait.

    If `after` is true, the call takes effect before it fails, so that only its answer is lost. `path` is a glob pattern.
    """

    path: str
    method: str = "*"
    times: int = 1
    status: int | None = 500
    wait_seconds: float = 0.0
    after: bool = False
    code: str | None = None
    retry_after_seconds: int = 1

    def matches(self, method: str, path: str) -> bool:
        return self.method in ("*", method) and fnmatchcase(path, self.path)

    async def wait(self) -> None:
        if self.wait_seconds:
            await asyncio.sleep(self.wait_seconds)


class Faults:
    """The faults that have not happened yet, in the order in which they were added."""

    def __init__(self) -> None:
        self.pending: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self.pending.append(fault)

    def clear(self) -> None:
        self.pending.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Returns the first fault that matches the call, and subtracts one from its `times`. None if no fault matches."""
        for index, fault in enumerate(self.pending):
            if fault.matches(method, path):
                left = replace(fault, times=fault.times - 1)
                self.pending[index : index + 1] = [left] if left.times > 0 else []
                return fault
        return None
