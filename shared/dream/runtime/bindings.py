"""The bindings as protocols: D1, KV, R2, rate limiter, network, cryptography.

`dream.cloudflare` implements them with the Workers runtime, and `tests.support.in_process` with CPython.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

Scalar: TypeAlias = "str | int | None"
Row: TypeAlias = "Mapping[str, Any]"


class Sql(str):
    """One SQL statement: a named constant of a module in `dream.db`. Its placeholders are `?1`, `?2` and so on."""

    __slots__ = ()

    def bind(self, *values: Scalar) -> Bound:
        """The statement with the values of its placeholders."""
        return Bound(self, values)


@dataclass(frozen=True)
class Bound:
    """A statement and the values of its placeholders, ready for a batch."""

    statement: Sql
    values: tuple[Scalar, ...]


class Database(Protocol):
    """D1. Every method is one round trip. Raises DatabaseFailed if D1 fails, and ConstraintFailed if a constraint refuses."""

    async def first(self, statement: Sql, *values: Scalar) -> Row | None:
        """The first row, or None."""
        ...

    async def value(self, statement: Sql, *values: Scalar) -> Any:
        """The column `answer` of the first row, or None. This is the cheapest way to read a single value."""
        ...

    async def all(self, statement: Sql, *values: Scalar) -> list[Row]:
        """All rows."""
        ...

    async def run(self, statement: Sql, *values: Scalar) -> int:
        """Runs the statement and returns how many rows it changed."""
        ...

    async def batch(self, statements: Sequence[Bound]) -> list[list[Row]]:
        """Runs all statements in one transaction. Returns the rows of each statement."""
        ...

    async def probe(self) -> None:
        """Raises DatabaseFailed if D1 does not answer or has no schema."""
        ...


class KeyValue(Protocol):
    """KV, used as a cache. If KV fails, a read counts as a miss and a write does nothing: KV never fails a request."""

    async def get(self, key: str) -> Any | None:
        """The JSON value, or None."""
        ...

    async def put(self, key: str, value: Any, ttl_seconds: int | None = None) -> None:
        """Stores a JSON value. `ttl_seconds` is at least 60; None stores it without an end."""
        ...

    async def delete(self, key: str) -> None: ...

    async def probe(self) -> None:
        """Raises an exception if KV does not answer."""
        ...


@dataclass(frozen=True)
class StoredObject:
    """One object in R2."""

    body: bytes
    content_type: str
    etag: str


class ObjectStore(Protocol):
    """R2. Raises Unavailable if R2 fails."""

    async def get(self, key: str) -> StoredObject | None: ...

    async def put(self, key: str, body: bytes, content_type: str, cache_control: str) -> None: ...

    async def delete(self, keys: Sequence[str]) -> None: ...

    async def list(self, prefix: str) -> list[str]: ...


class RateLimiter(Protocol):
    """The Rate Limiting binding. It counts per location and only roughly: use it against abuse, never for billing."""

    async def allows(self, key: str) -> bool:
        """Counts a call for this key. Returns False if there were too many."""
        ...


@dataclass(frozen=True)
class FetchResponse:
    """The answer of a vendor. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Fetch(Protocol):
    """The network as one function. Raises VendorUnreachable if the connection is lost or `timeout_seconds` have passed."""

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
    """The vendor sent no HTTP answer: the connection was refused or lost, or the time ran out."""


class Cryptography(Protocol):
    """AES-GCM of WebCrypto, with 256-bit keys and 96-bit nonces. The nonce goes before the ciphertext."""

    async def encrypt(self, key: bytes, plaintext: bytes, associated_data: bytes) -> bytes: ...

    async def decrypt(self, key: bytes, sealed: bytes, associated_data: bytes) -> bytes:
        """Raises ValueError unless the key, the bytes and the associated data are those of the encryption."""
        ...


WaitUntil: TypeAlias = Callable[[Awaitable[None]], None]
