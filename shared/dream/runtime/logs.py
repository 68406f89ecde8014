"""One JSON line per log entry. Keys and tokens are cut out of every value before it is written."""

from __future__ import annotations

import json
import re
import traceback
from typing import Any

# A token is cut out even when segments are missing. If they were required, each `eyJ` of a long run would read the run anew.
_SECRETS = re.compile(
    r"(?:sk|rk|pk)_(?:test|live)_[A-Za-z0-9]{6,}"
    r"|whsec_[A-Za-z0-9+/=]{6,}"
    r"|eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,2}"
    r"|Bearer\s+\S+"
)


def redacted(text: str) -> str:
    """`text` with every key and token replaced."""
    return _SECRETS.sub("[redacted]", text)


class Log:
    """The log of one request of one worker."""

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
        """An error nobody expected, with where it came from."""
        frames = [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
        ]
        self._write("error", event, {"error": f"{type(error).__name__}: {error}", "frames": frames[-12:]})

    def _write(self, level: str, event: str, facts: dict[str, Any]) -> None:
        entry = {"level": level, "worker": self._worker, "requestId": self._request_id, "event": event, **facts}
        print(redacted(json.dumps(entry, default=str)))
