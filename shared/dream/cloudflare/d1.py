"""D1: the SQL database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import js
from pyodide.ffi import JsException, jsnull, to_js

from dream.db import health
from dream.errors import ConstraintFailed, DatabaseFailed
from dream.runtime.bindings import Bound, Row, Scalar, Sql
from dream.runtime.context import RoundTrips


class D1Database:
    """D1 for one request, whose round trips it counts. The prepared statements belong to the isolate, and are shared."""

    __slots__ = ("_d1", "_statements", "_trips")

    def __init__(self, d1: Any, statements: dict[Sql, Any], trips: RoundTrips) -> None:
        self._d1 = d1
        self._statements = statements
        self._trips = trips

    def _bind(self, statement: Sql, values: Sequence[Scalar]) -> Any:
        prepared = self._statements.get(statement)
        if prepared is None:
            prepared = self._statements[statement] = self._d1.prepare(statement)
        if not values:
            return prepared
        return prepared.bind(*[jsnull if value is None else value for value in values])

    async def value(self, statement: Sql, *values: Scalar) -> Any:
        self._trips.d1 += 1
        try:
            answer = await self._bind(statement, values).first("answer")
        except JsException as error:
            raise _translated(error) from None
        return None if answer is jsnull else answer

    async def first(self, statement: Sql, *values: Scalar) -> Row | None:
        rows = await self.all(statement, *values)
        return rows[0] if rows else None

    async def all(self, statement: Sql, *values: Scalar) -> list[Row]:
        self._trips.d1 += 1
        try:
            result = await self._bind(statement, values).all()
        except JsException as error:
            raise _translated(error) from None
        return json.loads(js.JSON.stringify(result.results))

    async def run(self, statement: Sql, *values: Scalar) -> int:
        self._trips.d1 += 1
        try:
            result = await self._bind(statement, values).run()
        except JsException as error:
            raise _translated(error) from None
        return int(result.meta.changes)

    async def batch(self, statements: Sequence[Bound]) -> list[list[Row]]:
        self._trips.d1 += 1
        try:
            results = await self._d1.batch(to_js([self._bind(one.statement, one.values) for one in statements]))
        except JsException as error:
            raise _translated(error) from None
        return [result["results"] for result in json.loads(js.JSON.stringify(results))]

    async def probe(self) -> None:
        await self.value(health.ANY_PLATFORM)


def _translated(error: JsException) -> Exception:
    """Translates D1's error into an error of `dream.errors`."""
    message = str(error)
    if "SQLITE_CONSTRAINT" in message:
        return ConstraintFailed(message)
    return DatabaseFailed(reason=message)
