"""Owns the function that sends an HTTP POST from a stand-in. A test may replace it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

import httpx

ANSWER_LOGGED_CHARACTERS = 500


class Answer(NamedTuple):
    """The receiver's answer. `text` is the start of its body, for the log."""

    status: int
    text: str = ""


class Unreachable(Exception):
    """No answer came. The message says why."""


# (url, headers, body) -> the status, or an Answer if the log shows the text too. Raises Unreachable.
Sender = Callable[[str, Mapping[str, str], bytes], Awaitable[int | Answer]]


class HttpSender:
    """Sends over the network. It follows no redirects, as at Stripe and Clerk."""

    def __init__(self, timeout_seconds: float) -> None:
        self._http = httpx.AsyncClient(timeout=timeout_seconds, trust_env=False, follow_redirects=False)

    async def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            response = await self._http.post(url, content=body, headers=dict(headers))
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error
        return Answer(response.status_code, response.text[:ANSWER_LOGGED_CHARACTERS])

    async def aclose(self) -> None:
        await self._http.aclose()
