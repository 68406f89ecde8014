"""A context over an empty D1 and KV, for tests of one module without its worker."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from dream.runtime.context import Context, RoundTrips
from dream.runtime.logs import Log
from dream.runtime.settings import Settings
from dream.services.outbox import effects
from dream.services.outbox.runner import delivery_of
from tests.support.fake_fetch import FakeFetch
from tests.support.in_process.database import SqliteDatabase
from tests.support.in_process.key_value import DictKeyValue


class Absent:
    """A binding that the test must not use. Any use fails."""

    def __getattr__(self, name: str) -> NoReturn:
        raise AssertionError(f"{name} was not expected")


class EveryoneMay:
    """A rate limiter that allows every call."""

    async def allows(self, key: str) -> bool:
        return True


@dataclass
class World:
    """A context and its fakes. `afterwards` has the work that `wait_until` got."""

    fetch: FakeFetch = field(default_factory=FakeFetch)
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    afterwards: list[Awaitable[None]] = field(default_factory=list[Awaitable[None]])

    def __post_init__(self) -> None:
        trips = RoundTrips()
        self.db = SqliteDatabase(trips=trips)
        self.kv = DictKeyValue(trips=trips)
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
            trips=trips,
        )

    async def finish(self) -> None:
        """Runs the work that `wait_until` got."""
        while self.afterwards:
            await self.afterwards.pop(0)
