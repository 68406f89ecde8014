"""Owns the record of calls that reached a stand-in, for tests that count them. It is only in memory."""

from collections import deque
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

MAXIMUM_CALLS = 20_000


@dataclass(frozen=True)
class Call:
    """One call. `details` are further fields that the control of one vendor shows."""

    method: str
    path: str
    details: dict[str, Any] = field(default_factory=dict[str, Any])


class Calls:
    """The last MAXIMUM_CALLS calls, oldest first."""

    def __init__(self) -> None:
        self._seen: deque[Call] = deque(maxlen=MAXIMUM_CALLS)

    def add(self, call: Call) -> None:
        self._seen.append(call)

    def clear(self) -> None:
        self._seen.clear()

    def matching(self, method: str = "*", path: str = "*") -> list[Call]:
        """The calls whose method and path match these glob patterns."""
        return [call for call in self._seen if fnmatchcase(call.method, method) and fnmatchcase(call.path, path)]
