"""All that a handler may touch, gathered once: bindings, settings, clock, log, and what the isolate remembers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from dream.domain.timestamps import iso
from dream.runtime import clock
from dream.runtime.bindings import Cryptography, Database, Fetch, KeyValue, ObjectStore, RateLimiter, WaitUntil
from dream.runtime.logs import Log
from dream.runtime.settings import Settings

DeliverEffects: TypeAlias = "Callable[[Context], Awaitable[None]]"


@dataclass(slots=True)
class RoundTrips:
    """How many storage and vendor round trips one answer took."""

    d1: int = 0
    kv_reads: int = 0
    kv_writes: int = 0
    r2: int = 0
    fetches: int = 0

    def header(self) -> str:
        return f"d1={self.d1},kvReads={self.kv_reads},kvWrites={self.kv_writes},r2={self.r2},fetches={self.fetches}"


@dataclass(slots=True)
class Context:
    """One request's world. Nothing in it outlives the request but `settings` and the isolate's caches."""

    db: Database
    kv: KeyValue
    images: ObjectStore
    rate_limiter: RateLimiter
    fetch: Fetch
    cryptography: Cryptography
    settings: Settings
    wait_until: WaitUntil
    deliver_effects: DeliverEffects
    """Carries out the effects that are due. Never raises because of a vendor or the database."""
    log: Log
    request_id: str
    trips: RoundTrips = field(default_factory=RoundTrips)

    def deliver_soon(self) -> None:
        """Carry out the effects that are due, after the answer has been sent. Call it after the batch that enqueued some."""
        self.wait_until(self.deliver_effects(self))

    def now_seconds(self) -> float:
        """Seconds since the epoch."""
        return clock.read()

    def now(self) -> str:
        """The present moment as ISO 8601 UTC with milliseconds."""
        return iso(clock.read())
