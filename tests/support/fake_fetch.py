"""A network that answers from a function, for tests of one client or one credential."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from dream.runtime.bindings import FetchResponse, VendorUnreachable


@dataclass
class Call:
    """One call that went over the network."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str | bytes | None
    timeout_seconds: float

    @property
    def text(self) -> str:
        return self.body.decode() if isinstance(self.body, bytes) else self.body or ""


Answering = Callable[[Call], FetchResponse]


def json_answer(value: Any, status: int = 200, **headers: str) -> FetchResponse:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return FetchResponse(status, {"content-type": "application/json", **named}, json.dumps(value).encode())


def unreachable(call: Call) -> NoReturn:
    """Answers as a network that is down: raises."""
    raise VendorUnreachable("connection refused")


class FakeFetch:
    """The network. `answering` answers each call; `calls` lists them."""

    def __init__(self, answering: Answering = unreachable) -> None:
        self.answering = answering
        self.calls: list[Call] = []

    async def __call__(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: str | bytes | None = None,
        timeout_seconds: float = 10.0,
    ) -> FetchResponse:
        call = Call(method, url, headers or {}, body, timeout_seconds)
        self.calls.append(call)
        return self.answering(call)
