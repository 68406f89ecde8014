"""Owns the record of calls that reached a stand-in, for tests that count them. In memory only."""

from collections import deque
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

KEPT_CALLS = 20_000


@dataclass(frozen=True)
class Call:
    """One call. `details` holds what only one vendor's control shows."""

    method: str
    path: str
    details: dict[str, Any] = field(default_factory=dict[str, Any])


class Calls:
    """The newest calls, oldest first."""

    def __init__(self) -> None:
        self._seen: deque[Call] = deque(maxlen=KEPT_CALLS)

    def add(self, call: Call) -> None:
        self._seen.append(call)

    def clear(self) -> None:
        self._seen.clear()

    def matching(self, method: str = "*", path: str = "*") -> list[Call]:
        """Calls by method and path, both as glob patterns."""
        return [call for call in self._seen if fnmatchcase(call.method, method) and fnmatchcase(call.path, path)]
