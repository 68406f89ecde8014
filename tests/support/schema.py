"""Reads a SQLite schema: its tables, and the words that a CHECK allows in a column. Fills every table with rows."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TypeAlias

EXTRA_ROWS = 2
"""How many rows a table gets beyond those that show each allowed value once. The last row has NULL wherever it may."""

MOMENT_NAMES = ("At", "Start", "End", "Since", "Until")
"""Endings of the columns that hold a moment, ISO 8601 UTC."""


Row: TypeAlias = "dict[str, str | int | None]"


class CannotFill(AssertionError):
    """The table accepts none of the rows that the generator made."""


@dataclass(frozen=True)
class Column:
    """One column. `allowed` are the values of its `CHECK (column IN (...))`; `is_json` is true under `json_valid`."""

    name: str
    type: str
    nullable: bool
    allowed: tuple[str | int, ...]
    is_json: bool


@dataclass(frozen=True)
class ForeignKey:
    """A reference: each of `columns` to the column of `parent` with the same position."""

    parent: str
    columns: tuple[str, ...]
    parent_columns: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """One table."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    foreign_keys: tuple[ForeignKey, ...]


def read_tables(connection: sqlite3.Connection) -> dict[str, Table]:
    """Every table of the database by its name."""
    created = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    )
    return {name: _read_table(connection, name, without_comments(sql)) for name, sql in created.fetchall()}


def parents_first(tables: Mapping[str, Table]) -> list[Table]:
    """The tables in an order in which rows can be inserted."""
    parents = {
        name: {each.parent for each in table.foreign_keys if each.parent != name} for name, table in tables.items()
    }
    return [tables[name] for name in TopologicalSorter(parents).static_order()]


def without_comments(sql: str) -> str:
    return re.sub(r"--.*", "", sql)


def values_in(text: str) -> tuple[str | int, ...]:
    """The literals of an IN list: `'a', 'b'` or `0, 1`."""
    return tuple(word if word else int(number) for word, number in re.findall(r"'([^']*)'|(-?\d+)", text))


def _read_table(connection: sqlite3.Connection, name: str, sql: str) -> Table:
    allowed, json_columns = _checked(sql)
    columns: list[Column] = []
    key: list[tuple[int, str]] = []
    # The rows of table_xinfo: position, name, type, NOT NULL, default, position in the primary key, hidden (generated).
    for _, column, kind, not_null, _, position, hidden in connection.execute(
        f'PRAGMA table_xinfo("{name}")'
    ).fetchall():
        if position:
            key.append((position, column))
        if not hidden:
            nullable = not not_null and not position
            columns.append(Column(column, kind, nullable, allowed.get(column, ()), column in json_columns))
    assert key, f"{name} has no primary key: give it one, so that its rows can be told apart"
    return Table(name, tuple(columns), tuple(column for _, column in sorted(key)), _foreign_keys(connection, name))


def _checked(sql: str) -> tuple[dict[str, tuple[str | int, ...]], set[str]]:
    """The IN list of each column that has one in a CHECK, and the columns that must be JSON."""
    allowed: dict[str, tuple[str | int, ...]] = {}
    json_columns: set[str] = set()
    for check in _checks(sql):
        for column, listed in re.findall(r'"?(\w+)"? IN \(([^)]*)\)', check):
            allowed[column] = values_in(listed)
        json_columns.update(re.findall(r'json_valid\("?(\w+)"?\)', check))
    return allowed, json_columns


def _checks(sql: str) -> Iterator[str]:
    """The text in the brackets of each CHECK, with single spaces."""
    for found in re.finditer(r"\bCHECK\s*\(", sql):
        depth, end = 1, found.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(sql[end], 0)
            end += 1
        yield " ".join(sql[found.end() : end - 1].split())


def _foreign_keys(connection: sqlite3.Connection, table: str) -> tuple[ForeignKey, ...]:
    listed: dict[int, list[tuple[int, str, str, str | None]]] = {}
    for number, position, parent, column, parent_column, *_ in connection.execute(
        f'PRAGMA foreign_key_list("{table}")'
    ):
        listed.setdefault(number, []).append((position, parent, column, parent_column))
    found: list[ForeignKey] = []
    for parts in listed.values():
        parts.sort()
        parent = parts[0][1]
        named = tuple(part[3] for part in parts if part[3] is not None)
        found.append(ForeignKey(parent, tuple(part[2] for part in parts), named or _key_of(connection, parent)))
    return tuple(found)


def _key_of(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    rows = connection.execute(f'PRAGMA table_info("{table}")').fetchall()
    return tuple(row[1] for row in sorted(rows, key=lambda row: row[5]) if row[5])


def fill(connection: sqlite3.Connection) -> dict[str, int]:
    """Fills each table of an empty database and returns the number of rows of each. Raises CannotFill, which names the table.

    Row `i` of a table refers to row `i` of its parents. Triggers are removed meanwhile, so that they change no row.
    """
    tables = read_tables(connection)
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f'DROP TRIGGER "{name}"')
    count = max((len(column.allowed) for table in tables.values() for column in table.columns), default=0) + EXTRA_ROWS
    filled: dict[str, list[Row]] = {}
    for table in parents_first(tables):
        filled[table.name] = _fill_table(connection, table, count, filled)
    for _, sql in triggers:
        connection.execute(sql)
    return {name: len(rows) for name, rows in filled.items()}


def _fill_table(connection: sqlite3.Connection, table: Table, count: int, filled: Mapping[str, list[Row]]) -> list[Row]:
    rows: list[Row] = []
    for index in range(count):
        is_last = index == count - 1
        row: Row = {
            column.name: None if is_last and column.nullable else value_for(column, index) for column in table.columns
        }
        for reference in table.foreign_keys:
            # In the same table a row refers to the one before it; the first has none.
            parent = filled[reference.parent][index] if reference.parent != table.name else rows[-1] if rows else {}
            for column, parent_column in zip(reference.columns, reference.parent_columns, strict=True):
                if row[column] is not None:
                    row[column] = parent.get(parent_column)
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" for _ in row)
        try:
            connection.execute(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', tuple(row.values()))
        except sqlite3.Error as error:
            raise CannotFill(
                f"the generator cannot fill the table {table.name}: {error}. Teach `value_for` in tests/support/schema.py what"
                f" the table's CHECKs ask for. The row was {row}."
            ) from error
        rows.append(row)
    return rows


def value_for(column: Column, index: int) -> str | int:
    """The column's value in the row with this index: different in each row, unless the column allows certain words only."""
    if column.allowed:
        return column.allowed[index % len(column.allowed)]
    if column.type == "INTEGER":
        return index + 1
    if column.is_json:
        return "{}"
    if column.name.endswith(MOMENT_NAMES):
        return f"2026-01-{index + 1:02d}T00:00:00.000Z"
    return f"{column.name} {index}"
