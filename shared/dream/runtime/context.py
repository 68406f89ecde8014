"""All that a handler may touch, gathered once: bindings, settings, clock, log, and what the isolate remembers."""

from __future__ import annotations

from dataclasses import dataclass, field

from dream.domain.timestamps import iso
from dream.runtime import clock
from dream.runtime.bindings import Cryptography, Database, Fetch, KeyValue, ObjectStore, RateLimiter, WaitUntil
from dream.runtime.logs import Log
from dream.runtime.settings import Settings


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
    log: Log
    request_id: str
    trips: RoundTrips = field(default_factory=RoundTrips)

    def now_seconds(self) -> float:
        """Seconds since the epoch."""
        return clock.read()

    def now(self) -> str:
        """The present moment as ISO 8601 UTC with milliseconds."""
        return iso(clock.read())
