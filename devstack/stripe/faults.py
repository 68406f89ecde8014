"""Owns what tests ask the API to do wrong, and the count of what it was asked."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatch

from devstack.stripe.jsontypes import Json

KEPT_CALLS = 5000


@dataclass
class Fault:
    """The next `times` calls that match wait `seconds`, then fail with `status` (None: they only wait).

    `after` lets the call take effect first, so that only its answer is lost.
    """

    method: str
    path: str
    times: int = 1
    status: int | None = 500
    seconds: float = 0.0
    after: bool = False
    code: str | None = None

    def matches(self, method: str, path: str) -> bool:
        return self.times > 0 and self.method in ("*", method) and fnmatch(path, self.path)


@dataclass(frozen=True)
class Call:
    method: str
    route: str
    path: str
    account: str
    livemode: bool
    status: int
    idempotency_key: str | None
    replayed: bool

    def to_json(self) -> Json:
        return {
            "method": self.method,
            "route": self.route,
            "path": self.path,
            "account": self.account,
            "livemode": self.livemode,
            "status": self.status,
            "idempotencyKey": self.idempotency_key,
            "replayed": self.replayed,
        }


class Faults:
    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def take(self, method: str, path: str) -> Fault | None:
        for fault in self.waiting:
            if fault.matches(method, path):
                fault.times -= 1
                self.waiting = [f for f in self.waiting if f.times > 0]
                return fault
        return None

    @staticmethod
    async def wait(fault: Fault | None) -> None:
        if fault and fault.seconds:
            await asyncio.sleep(fault.seconds)


class Calls:
    """Every call that reached the API, for tests that count them."""

    def __init__(self) -> None:
        self.seen: list[Call] = []

    def add(self, call: Call) -> None:
        self.seen.append(call)
        del self.seen[:-KEPT_CALLS]

    def summary(self, method: str | None = None, path: str | None = None, account: str | None = None) -> Json:
        rows = [
            call
            for call in self.seen
            if (method is None or call.method == method)
            and (path is None or fnmatch(call.path, path))
            and (account is None or call.account == account)
        ]
        counts = Counter(f"{call.method} {call.route}" for call in rows)
        return {"total": len(rows), "byRoute": dict(counts), "calls": [call.to_json() for call in rows]}
