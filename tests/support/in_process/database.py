"""A fake D1: SQLite with the real schema.sql, its triggers and foreign keys. It binds, answers and refuses as D1 does."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from dream.db import health
from dream.errors import ConstraintFailed, DatabaseFailed
from dream.runtime.bindings import Bound, Row, Scalar, Sql
from dream.runtime.context import RoundTrips
from tests.support.in_process.faults import Faults

SCHEMA = Path(__file__).parents[3] / "schema.sql"
MAXIMUM_BOUND_PARAMETERS = 100
LARGEST_EXACT_INTEGER = 2**53 - 1
# https://developers.cloudflare.com/d1/platform/limits/
LIMITS = (
    (sqlite3.SQLITE_LIMIT_LENGTH, 2_000_000),
    (sqlite3.SQLITE_LIMIT_SQL_LENGTH, 100_000),
    (sqlite3.SQLITE_LIMIT_COLUMN, 100),
    (sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, MAXIMUM_BOUND_PARAMETERS),
    (sqlite3.SQLITE_LIMIT_FUNCTION_ARG, 32),
    (sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50),
)


def open_database() -> sqlite3.Connection:
    """An empty database in memory with our schema. It is a copy of a prepared one, which takes less than a millisecond."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, cached_statements=1000)
    connection.deserialize(_image())
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    for limit, most in LIMITS:
        connection.setlimit(limit, most)
    return connection


@cache
def _image() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA.read_text())
    image = connection.serialize()
    connection.close()
    return image


class SqliteDatabase:
    """D1 for one request. Several may share a connection; each counts its own round trips."""

    def __init__(
        self,
        connection: sqlite3.Connection | None = None,
        trips: RoundTrips | None = None,
        faults: Faults | None = None,
    ) -> None:
        self.connection = connection or open_database()
        self._trips = trips or RoundTrips()
        self._faults = faults or Faults()

    @property
    def round_trips(self) -> int:
        return self._trips.d1

    async def first(self, statement: Sql, *values: Scalar) -> Row | None:
        rows = await self.all(statement, *values)
        return rows[0] if rows else None

    async def value(self, statement: Sql, *values: Scalar) -> Any:
        row = await self.first(statement, *values)
        if row is None:
            return None
        if "answer" not in row:
            raise DatabaseFailed(reason="Error: D1_COLUMN_NOTFOUND: Column not found (answer)")
        return row["answer"]

    async def all(self, statement: Sql, *values: Scalar) -> list[Row]:
        return (await self._round_trip([Bound(statement, values)]))[0]

    async def run(self, statement: Sql, *values: Scalar) -> int:
        before = self.connection.total_changes
        await self.all(statement, *values)
        return self.connection.total_changes - before

    async def batch(self, statements: Sequence[Bound]) -> list[list[Row]]:
        return await self._round_trip(list(statements))

    async def probe(self) -> None:
        await self.value(health.ANY_PLATFORM)

    async def _round_trip(self, statements: Sequence[Bound]) -> list[list[Row]]:
        """Runs all statements in one transaction. Other requests may run before it, as while a real call travels to D1."""
        self._trips.d1 += 1
        await asyncio.sleep(0)
        fails = self._faults.strikes()
        if fails and not self._faults.takes_effect:
            raise DatabaseFailed(reason="Error: D1_ERROR: a test told D1 to fail")
        rows = execute(self.connection, statements)
        if fails:
            raise DatabaseFailed(reason="Error: D1_ERROR: a test told D1 to lose this answer")
        return rows


def execute(connection: sqlite3.Connection, statements: Sequence[Bound]) -> list[list[Row]]:
    """The rows of each statement. Several are one transaction. Raises ConstraintFailed and DatabaseFailed in D1's words."""
    if len(statements) == 1:
        return [_rows(connection, statements[0])]
    connection.execute("BEGIN")
    try:
        rows = [_rows(connection, statement) for statement in statements]
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return rows


def _rows(connection: sqlite3.Connection, bound: Bound) -> list[Row]:
    if len(bound.values) > MAXIMUM_BOUND_PARAMETERS:
        raise DatabaseFailed(reason="Error: D1_ERROR: too many SQL variables: SQLITE_ERROR")
    try:
        found = connection.execute(bound.statement, [_bindable(value) for value in bound.values]).fetchall()
    except sqlite3.IntegrityError as error:
        words = f"Error: D1_ERROR: {error}: SQLITE_CONSTRAINT (extended: {error.sqlite_errorname})"
        raise ConstraintFailed(words) from error
    except sqlite3.Error as error:
        raise DatabaseFailed(reason=f"Error: D1_ERROR: {error}: SQLITE_ERROR") from error
    # If two columns have the same name, the last one counts, as in a JavaScript object.
    return [{name: _plain(value) for name, value in zip(row.keys(), row, strict=True)} for row in found]


def _bindable(value: Scalar) -> str | float | None:
    """D1 gets a number as a double. An INTEGER column stores it as an integer, a TEXT column as '5.0'."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return float(value)
    raise DatabaseFailed(
        reason=f"Error: D1_TYPE_ERROR: Type '{type(value).__name__}' not supported for value '{value}'"
    )


def _plain(value: Any) -> Any:
    """A value as it comes back through JavaScript: a whole number is an integer, and bytes are a list."""
    if isinstance(value, int) and abs(value) > LARGEST_EXACT_INTEGER:
        return int(float(value))
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bytes):
        return list(value)
    return value
