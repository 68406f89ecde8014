"""The log: one JSON line per entry. Keys and tokens are removed from every entry before it is written."""

from __future__ import annotations

import json
import re
import traceback
from typing import Any

# A token is removed even if it lacks segments. If segments were required, each `eyJ` in a long text would scan the rest again.
_SECRETS = re.compile(
    r"(?:sk|rk|pk)_(?:test|live)_[A-Za-z0-9]{6,}"
    r"|whsec_[A-Za-z0-9+/=]{6,}"
    r"|eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,2}"
    r"|Bearer\s+\S+"
)


def redacted(text: str) -> str:
    """The text, with every key and token replaced by `[redacted]`."""
    return _SECRETS.sub("[redacted]", text)


class Log:
    """The log of one request to one worker. `event` is a fixed phrase; the facts vary."""

    __slots__ = ("_request_id", "_worker")

    def __init__(self, worker: str, request_id: str) -> None:
        self._worker = worker
        self._request_id = request_id

    def info(self, event: str, **facts: Any) -> None:
        self._write("info", event, facts)

    def warning(self, event: str, **facts: Any) -> None:
        self._write("warning", event, facts)

    def error(self, event: str, **facts: Any) -> None:
        self._write("error", event, facts)

    def exception(self, event: str, error: BaseException) -> None:
        """Logs an error that nobody expected, with the last frames of its traceback."""
        frames = [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
        ]
        self._write("error", event, {"error": f"{type(error).__name__}: {error}", "frames": frames[-12:]})

    def _write(self, level: str, event: str, facts: dict[str, Any]) -> None:
        entry = {"level": level, "worker": self._worker, "requestId": self._request_id, "event": event, **facts}
        print(redacted(json.dumps(entry, default=str)))
