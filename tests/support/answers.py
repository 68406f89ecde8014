"""What tests read from an answer: the one error shape, and what the answer cost."""

from __future__ import annotations

import httpx


def assert_error(answer: httpx.Response, status: int, code: str) -> None:
    """The answer is this error, in the shape of all errors."""
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), answer.text
    assert body["error"]
    assert body["message"]
    assert body["requestId"] == answer.headers["X-Request-Id"]
    assert answer.headers["Content-Type"].startswith("application/json")


def round_trips(answer: httpx.Response) -> dict[str, int]:
    """How often the worker asked D1, KV, R2 and the vendors: by `d1`, `kvReads`, `kvWrites`, `r2` and `fetches`."""
    counted = (pair.split("=") for pair in answer.headers["X-Round-Trips"].split(","))
    return {name: int(count) for name, count in counted}
