"""What a handler may use: bindings, settings, clock and log. Every function that needs one of them takes the `Context`."""

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
"""Carries out the effects that are due: calls to Stripe and Clerk that the outbox holds."""


@dataclass(slots=True)
class RoundTrips:
    """How many round trips to storage and vendors one request made."""

    d1: int = 0
    kv_reads: int = 0
    kv_writes: int = 0
    r2: int = 0
    fetches: int = 0

    def header(self) -> str:
        """The value of the debug header `X-Round-Trips`."""
        return f"d1={self.d1},kvReads={self.kv_reads},kvWrites={self.kv_writes},r2={self.r2},fetches={self.fetches}"


@dataclass(slots=True)
class Context:
    """The context of one request, or of one run of the schedule. Only `settings` outlives it."""

    db: Database
    kv: KeyValue
    images: ObjectStore
    rate_limiter: RateLimiter
    fetch: Fetch
    cryptography: Cryptography
    settings: Settings
    wait_until: WaitUntil
    """Lets work go on after the response was sent."""
    deliver_effects: DeliverEffects
    """Does not raise if a vendor or the database fails."""
    log: Log
    request_id: str
    trips: RoundTrips = field(default_factory=RoundTrips)

    def deliver_soon(self) -> None:
        """Carries out the effects that are due, after the response was sent. Call it after a batch that enqueued effects."""
        self.wait_until(self.deliver_effects(self))

    def now_seconds(self) -> float:
        """Seconds since the epoch."""
        return clock.read()

    def now(self) -> str:
        """The present moment as ISO 8601 UTC with milliseconds."""
        return iso(clock.read())
