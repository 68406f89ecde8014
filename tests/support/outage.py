"""Checks the answer of a worker when a vendor does not answer."""

from __future__ import annotations

import httpx


def assert_says_so(answer: httpx.Response, statuses: tuple[int, ...] = (502, 503)) -> None:
    """The answer is an error of these statuses in the shape of all errors, and names no secret and no address."""
    assert answer.status_code in statuses, answer.text
    error = answer.json()
    assert error["error"] and error["code"] and error["message"]
    assert error["requestId"] == answer.headers["x-request-id"]
    for secret in ("sk_", "127.0.0.1", "localhost", "acct_", "Traceback"):
        assert secret not in answer.text
