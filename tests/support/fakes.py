"""What the runtime gives the workers, under CPython: a network that answers from a function, D1 over SQLite, KV in a dict."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from dream.db import health
from dream.errors import ConstraintFailed
from dream.http.request import Request
from dream.runtime.bindings import Bound, FetchResponse, Row, Scalar, Sql, VendorUnreachable
from dream.runtime.context import Context
from dream.runtime.logs import Log
from dream.runtime.settings import Settings
from dream.services.outbox import effects
from dream.services.outbox.runner import delivery_of
from tests.support.multipart_forms import parse_form

SCHEMA = Path(__file__).parents[2] / "schema.sql"
MAXIMUM_BOUND_PARAMETERS = 100
KV_MINIMUM_TTL_SECONDS = 60


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
    """A network that is down."""
    raise VendorUnreachable("connection refused")


class FakeFetch:
    """The network: `answering` answers every call, and `calls` remembers them."""

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


class SqliteDatabase:
    """D1 over an SQLite database of our schema; refuses what D1 refuses."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.row_factory = sqlite3.Row
        self.connection.executescript(SCHEMA.read_text())
        self.connection.execute("PRAGMA foreign_keys = ON")
        self.round_trips = 0

    def _rows(self, statement: str, values: Sequence[Scalar]) -> list[Row]:
        assert len(values) <= MAXIMUM_BOUND_PARAMETERS
        try:
            return [dict(row) for row in self.connection.execute(statement, tuple(values)).fetchall()]
        except sqlite3.IntegrityError as error:
            raise ConstraintFailed(str(error)) from error

    async def first(self, statement: Sql, *values: Scalar) -> Row | None:
        rows = await self.all(statement, *values)
        return rows[0] if rows else None

    async def value(self, statement: Sql, *values: Scalar) -> Any:
        row = await self.first(statement, *values)
        return None if row is None else row["answer"]

    async def all(self, statement: Sql, *values: Scalar) -> list[Row]:
        self.round_trips += 1
        return self._rows(statement, values)

    async def run(self, statement: Sql, *values: Scalar) -> int:
        before = self.connection.total_changes
        await self.all(statement, *values)
        return self.connection.total_changes - before

    async def batch(self, statements: Sequence[Bound]) -> list[list[Row]]:
        self.round_trips += 1
        self.connection.execute("BEGIN")
        try:
            results = [self._rows(one.statement, one.values) for one in statements]
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")
        return results

    async def probe(self) -> None:
        await self.value(health.ANY_PLATFORM)


class DictKeyValue:
    """KV in a dict; refuses what KV refuses."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.reads = 0

    async def get(self, key: str) -> Any | None:
        self.reads += 1
        text = self.values.get(key)
        return None if text is None else json.loads(text)

    async def put(self, key: str, value: Any, ttl_seconds: int | None = None) -> None:
        assert len(key.encode()) <= 512
        assert ttl_seconds is None or ttl_seconds >= KV_MINIMUM_TTL_SECONDS
        self.values[key] = json.dumps(value)

    async def delete(self, key: str) -> None:
        self.values.pop(key, None)

    async def probe(self) -> None:
        return None


class Absent:
    """A binding that the test does not expect to be touched."""

    def __getattr__(self, name: str) -> NoReturn:
        raise AssertionError(f"{name} was not expected")


class EveryoneMay:
    """A rate limiter that lets everybody through."""

    async def allows(self, key: str) -> bool:
        return True


@dataclass
class World:
    """A context and the fakes in it. What ran after the answer is in `afterwards`."""

    fetch: FakeFetch = field(default_factory=FakeFetch)
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    afterwards: list[Awaitable[None]] = field(default_factory=list[Awaitable[None]])

    def __post_init__(self) -> None:
        self.db = SqliteDatabase()
        self.kv = DictKeyValue()
        absent: Any = Absent()
        self.context = Context(
            db=self.db,
            kv=self.kv,
            images=absent,
            rate_limiter=EveryoneMay(),
            fetch=self.fetch,
            cryptography=absent,
            settings=Settings(self.settings.get, ()),
            wait_until=self.afterwards.append,
            deliver_effects=delivery_of(effects.ALL),
            log=Log("test", "req_test"),
            request_id="req_test",
        )

    async def finish(self) -> None:
        """Runs what was left for after the answer."""
        while self.afterwards:
            await self.afterwards.pop(0)


class FakeHeaders:
    """Headers whatever the case of their names."""

    def __init__(self, named: Mapping[str, str]) -> None:
        self._named = {name.lower(): value for name, value in named.items()}

    def get(self, name: str) -> str | None:
        return self._named.get(name.lower())


def request_with(**headers: str) -> Request:
    """A GET request with these headers, underscores for hyphens."""

    async def no_body(cap_bytes: int) -> bytes:
        return b""

    named = FakeHeaders({name.replace("_", "-"): value for name, value in headers.items()})
    return Request("GET", "https://worker.example/", "/", "", named, no_body, parse_form, "req_test")
