"""The interface of a local stack for tests. There are two: the stack in this process, and the stack in workerd."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import httpx

from devstack.stack.configuration import Configuration


class Stack(Protocol):
    """The four workers, Stripe and Clerk, and the workers' D1."""

    @property
    def state(self) -> dict[str, Any]:
        """The vendors' secret keys and webhook secrets, as in `stack.json`."""
        ...

    @property
    def configuration(self) -> Configuration: ...

    def url(self, service: str) -> str:
        """Base URL of `api-multi`, `front-auth-api`, `oauth-api`, `sign-up`, `stripe`, `clerk` or `frontend`."""
        ...

    def http(self, service: str) -> httpx.Client:
        """The shared client of one service. It stores no cookies. The stack closes it."""
        ...

    def client(self, base_url: str = "") -> httpx.Client:
        """A new client that stores cookies as a browser does and can call every service. The caller closes it."""
        ...

    def at_once(self, requests: Sequence[httpx.Request]) -> list[httpx.Response]:
        """Sends all requests at the same time. Returns their answers in the same order."""
        ...

    def d1(self, sql: str, *params: str | int | None) -> list[dict[str, Any]]:
        """Runs one statement on the workers' D1 and returns its rows."""
        ...

    def deliver(self, patience_seconds: int = 60) -> None:
        """Returns when Stripe and Clerk have delivered every webhook. Waiting retries are sent now."""
        ...

    def run_scheduled(self, worker: str, cron: str = "* * * * *") -> None:
        """Runs a worker's scheduled handler once."""
        ...

    def restart_workers(self) -> None:
        """Clears the workers' memory. D1, KV and R2 stay."""
        ...

    def kill_workers(self) -> None:
        """Kills all requests in flight, which get no answer. Then the workers run again."""
        ...
