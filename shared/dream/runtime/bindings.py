"""The bindings as our code sees them: D1, KV, R2, rate limiter, network, cryptography. `cloudflare.py` implements them in the
runtime, tests/support/in_process under CPython.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

Scalar: TypeAlias = "str | int | None"
Row: TypeAlias = "Mapping[str, Any]"


class Sql(str):
    """One SQL statement, a named constant of a module in `db/`. Placeholders are `?1`, `?2` and so on."""

    __slots__ = ()

    def bind(self, *values: Scalar) -> Bound:
        return Bound(self, values)


@dataclass(frozen=True)
class Bound:
    """A statement with its values, ready for a batch."""

    statement: Sql
    values: tuple[Scalar, ...]


class Database(Protocol):
    """D1. Every method is one round trip. Raises DatabaseFailed when D1 fails and ConstraintFailed when a constraint refuses."""

    async def first(self, statement: Sql, *values: Scalar) -> Row | None:
        """The first row, or None."""
        ...

    async def value(self, statement: Sql, *values: Scalar) -> Any:
        """The column named `answer` of the first row, or None: the cheapest way to read one thing."""
        ...

    async def all(self, statement: Sql, *values: Scalar) -> list[Row]:
        """All rows."""
        ...

    async def run(self, statement: Sql, *values: Scalar) -> int:
        """How many rows changed."""
        ...

    async def batch(self, statements: Sequence[Bound]) -> list[list[Row]]:
        """All statements in one transaction; the rows of each."""
        ...

    async def probe(self) -> None:
        """Raises DatabaseFailed when D1 does not answer, or has no schema."""
        ...


class KeyValue(Protocol):
    """KV: a cache, never the judge. A failing KV reads as a miss and writes nothing; it never fails a request."""

    async def get(self, key: str) -> Any | None:
        """The JSON value, or None."""
        ...

    async def put(self, key: str, value: Any, ttl_seconds: int | None = None) -> None:
        """Store a JSON value; `ttl_seconds` is 60 at least."""
        ...

    async def delete(self, key: str) -> None: ...

    async def probe(self) -> None:
        """Raises when KV does not answer."""
        ...


@dataclass(frozen=True)
class StoredObject:
    """One object of R2."""

    body: bytes
    content_type: str
    etag: str


class ObjectStore(Protocol):
    """R2. Raises Unavailable when it fails."""

    async def get(self, key: str) -> StoredObject | None: ...

    async def put(self, key: str, body: bytes, content_type: str, cache_control: str) -> None: ...

    async def delete(self, keys: Sequence[str]) -> None: ...

    async def list(self, prefix: str) -> list[str]: ...


class RateLimiter(Protocol):
    """The Rate Limiting binding: per location, permissive, for abuse and not for billing."""

    async def allows(self, key: str) -> bool: ...


@dataclass(frozen=True)
class FetchResponse:
    """What a vendor answered. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Fetch(Protocol):
    """The network as one function. Raises VendorUnreachable on a lost connection or when `timeout_seconds` have passed."""

    async def __call__(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: str | bytes | None = None,
        timeout_seconds: float = 10.0,
    ) -> FetchResponse: ...


class VendorUnreachable(Exception):
    """No HTTP answer came: connection refused or lost, or time ran out."""


class Cryptography(Protocol):
    """WebCrypto's AES-GCM with 256-bit keys and 96-bit nonces; the nonce goes before the ciphertext."""

    async def encrypt(self, key: bytes, plaintext: bytes, associated_data: bytes) -> bytes: ...

    async def decrypt(self, key: bytes, sealed: bytes, associated_data: bytes) -> bytes:
        """Raises ValueError when the key, the data or the associated data is not the one that sealed it."""
        ...


WaitUntil: TypeAlias = Callable[[Awaitable[None]], None]
