"""Guarantee: a migration keeps the rows that are there. Each one runs as D1 runs it, on tables that are full.

D1 runs a migration file in one transaction with foreign keys on, and nothing turns them off. `DROP TABLE` deletes the rows first,
and `ON DELETE CASCADE` then deletes their children, also under `PRAGMA defer_foreign_keys`.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.support import schema

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "schema.sql"
MIGRATIONS = sorted((ROOT / "migrations").glob("*.sql"))

INTENDED: Mapping[str, frozenset[str]] = {}
"""What a migration changes on purpose, by the name of its file: `"table"` for rows that it adds, deletes or drops with their table,
`"table.column"` for values."""

CASCADE_CURE = (
    "Foreign keys are on in D1, so DROP TABLE deletes the rows of a parent and, by ON DELETE CASCADE, their children. Change the"
    " table with ALTER TABLE ... ADD COLUMN, RENAME or DROP COLUMN, or copy the children away first and insert them again."
)
INTENDED_CURE = "If the migration means to do this, list it under INTENDED in tests/architecture/test_migrations.py."

# What D1 refuses in a migration. Its transaction is D1's own.
TRANSACTION_ACTIONS = (sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_SAVEPOINT)


class BadMigration(AssertionError):
    """A migration that D1 refuses, or that loses rows or values."""


Rows = dict[str, list[dict[str, object]]]


def apply(connection: sqlite3.Connection, name: str, sql: str) -> None:
    """Runs one migration as D1 does. Raises BadMigration, with nothing changed, if SQLite or D1 refuses it."""

    def authorize(action: int, argument: str | None, value: str | None, *_: str | None) -> int:
        keys_off = action == sqlite3.SQLITE_PRAGMA and argument == "foreign_keys" and value is not None
        return sqlite3.SQLITE_DENY if action in TRANSACTION_ACTIONS or keys_off else sqlite3.SQLITE_OK

    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("BEGIN")
    try:
        connection.set_authorizer(authorize)
        for statement in statements_of(sql):
            connection.execute(statement)
        connection.set_authorizer(None)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        connection.set_authorizer(None)
        connection.execute("ROLLBACK")
        raise BadMigration(
            f"{name}: {error}. D1 runs the file in one transaction with foreign keys on: write no BEGIN, COMMIT or PRAGMA"
            " foreign_keys, and use PRAGMA defer_foreign_keys = on where rows refer to nothing for a while."
        ) from error


def statements_of(sql: str) -> Iterator[str]:
    """The statements of a file. A trigger is one."""
    statement = ""
    for part in re.split(r"(?<=;)", sql):
        statement += part
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    assert not schema.without_comments(statement).strip(), f"a statement does not end with a semicolon: {statement}"


def open_database() -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(":memory:", isolation_level=None))


def rows_of(connection: sqlite3.Connection) -> Rows:
    """Every row of every table."""
    found: Rows = {}
    for table in schema.read_tables(connection):
        cursor = connection.execute(f'SELECT * FROM "{table}"')
        names = [description[0] for description in cursor.description]
        found[table] = [dict(zip(names, row, strict=True)) for row in cursor]
    return found


def compare(name: str, tables: Mapping[str, schema.Table], before: Rows, after: Rows, intended: frozenset[str]) -> None:
    """Raises BadMigration if rows went or came, or if a value changed in a column that is still there."""
    same_rows: list[tuple[str, list[tuple[dict[str, object], dict[str, object]]]]] = []
    for table, old_rows in before.items():
        if table in intended:
            continue
        if table not in after:
            raise BadMigration(f"{name} drops the table {table}. {INTENDED_CURE}")
        key = tables[table].key
        if after[table] and not after[table][0].keys() >= set(key):
            raise BadMigration(f"{name} changes the key of {table}, so its rows cannot be compared. {INTENDED_CURE}")
        old = {tuple(row[column] for column in key): row for row in old_rows}
        new = {tuple(row[column] for column in key): row for row in after[table]}
        if lost := old.keys() - new.keys():
            raise BadMigration(
                f"{name} deletes {len(lost)} of {len(old)} rows of {table}. {CASCADE_CURE} {INTENDED_CURE}"
            )
        if added := new.keys() - old.keys():
            raise BadMigration(f"{name} adds {len(added)} rows to {table}. {INTENDED_CURE}")
        same_rows.append((table, [(row, new[where]) for where, row in old.items()]))
    for table, pairs in same_rows:
        for old_row, new_row in pairs:
            for column in sorted(old_row.keys() & new_row.keys()):
                if f"{table}.{column}" not in intended and old_row[column] != new_row[column]:
                    raise BadMigration(f"{name} changes values of {table}.{column}. {INTENDED_CURE}")


def check(name: str, sql: str, earlier: Sequence[str], intended: frozenset[str] = frozenset()) -> None:
    """Runs a migration on full tables of the schema that the earlier ones made. Raises BadMigration."""
    with open_database() as connection:
        for each in earlier:
            apply(connection, "an earlier migration", each)
        schema.fill(connection)
        tables, before = schema.read_tables(connection), rows_of(connection)
        apply(connection, name, sql)
        compare(name, tables, before, rows_of(connection), intended)
        assert not connection.execute("PRAGMA foreign_key_check").fetchall(), (
            f"{name} leaves rows that refer to nothing"
        )


def objects(connection: sqlite3.Connection) -> dict[tuple[str, str], str]:
    """Tables, indexes and triggers by kind and name, without comments."""
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    texts = {(kind, name): " ".join(schema.without_comments(sql).split()) for kind, name, sql in rows}
    # SQLite quotes the name of a table that was renamed.
    return {(kind, name): text.replace(f'TABLE "{name}"', f"TABLE {name}") for (kind, name), text in texts.items()}


def test_migrations_are_numbered_without_gaps() -> None:
    expected = [f"{number:04d}" for number in range(1, len(MIGRATIONS) + 1)]
    assert [file.name[:4] for file in MIGRATIONS] == expected, (
        f"name the files of migrations/ NNNN_what_it_does.sql, one after the other: the last one is {expected[-1]}"
    )


def test_the_migrations_add_up_to_the_schema() -> None:
    with open_database() as migrated, open_database() as database:
        for file in MIGRATIONS:
            apply(migrated, file.name, file.read_text())
        database.executescript(SCHEMA.read_text())
        have, want = objects(migrated), objects(database)
    following = f"migrations/{len(MIGRATIONS) + 1:04d}_what_it_does.sql"
    differing = sorted(" ".join(each) for each in have.keys() | want.keys() if have.get(each) != want.get(each))
    assert not differing, (
        f"schema.sql and migrations/ differ in: {', '.join(differing)}. If you changed schema.sql, write {following} that makes"
        " the same change; never edit a migration that was deployed. If you wrote a migration, copy what it makes into schema.sql."
        " The SQL of each table, index and trigger must be the same but for comments and spaces; a column that ALTER TABLE adds"
        " stands behind the other columns and before the table's own constraints."
    )


def test_every_table_can_be_filled() -> None:
    with open_database() as connection:
        apply(connection, "schema.sql", SCHEMA.read_text())
        filled = schema.fill(connection)
        assert not connection.execute("PRAGMA foreign_key_check").fetchall()
        rows = rows_of(connection)
        assert {table: len(found) for table, found in rows.items()} == filled
        for table in schema.read_tables(connection).values():
            for column in table.columns:
                values = {row[column.name] for row in rows[table.name]}
                assert values.issuperset(column.allowed), (
                    f"{table.name}.{column.name} does not show every value that it allows"
                )
                assert not column.nullable or None in values, f"{table.name}.{column.name} is never NULL"
                assert values != {None}, f"{table.name}.{column.name} is always NULL"


@pytest.mark.parametrize("number", range(len(MIGRATIONS)), ids=[file.name for file in MIGRATIONS])
def test_a_migration_keeps_every_row(number: int) -> None:
    file = MIGRATIONS[number]
    earlier = [each.read_text() for each in MIGRATIONS[:number]]
    check(file.name, file.read_text(), earlier, INTENDED.get(file.name, frozenset()))


def test_what_is_intended_names_migrations_that_exist() -> None:
    assert INTENDED.keys() <= {file.name for file in MIGRATIONS}


# The checker itself, shown with migrations that were never written --------------------------------------------------


def recreated(table: str) -> str:
    """The SQL that replaces a table by a copy: create, copy the rows, drop, rename, create indexes and triggers."""
    with open_database() as connection:
        apply(connection, "schema.sql", SCHEMA.read_text())
        made = connection.execute(
            "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)
        ).fetchone()[0]
        rest = connection.execute(
            "SELECT sql FROM sqlite_master WHERE type <> 'table' AND tbl_name = ? AND sql IS NOT NULL", (table,)
        ).fetchall()
    new = made.replace(f"CREATE TABLE {table} ", f"CREATE TABLE {table}_new ", 1)
    return "\n".join(
        [
            "PRAGMA defer_foreign_keys = on;",
            f"{new};",
            f"INSERT INTO {table}_new SELECT * FROM {table};",
            f"DROP TABLE {table};",
            "PRAGMA legacy_alter_table = on;",
            f"ALTER TABLE {table}_new RENAME TO {table};",
            *(f"{sql};" for (sql,) in rest),
        ]
    )


def check_made_up(sql: str, intended: frozenset[str] = frozenset()) -> None:
    check("9999_made_up.sql", sql, [SCHEMA.read_text()], intended)


@pytest.mark.parametrize("parent", ["platforms", "projects", "tiers", "orders"])
def test_a_parent_that_is_dropped_and_made_anew_is_refused(parent: str) -> None:
    with pytest.raises(BadMigration, match=r"deletes \d+ of \d+ rows of \w+\. Foreign keys are on in D1"):
        check_made_up(recreated(parent))


def test_the_same_migration_passes_on_empty_tables() -> None:
    """Why the tables are filled: this is what was tested before."""
    with open_database() as connection:
        apply(connection, "schema.sql", SCHEMA.read_text())
        apply(connection, "9999_made_up.sql", recreated("projects"))


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE projects ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue';",
        "ALTER TABLE orders RENAME COLUMN requestHash TO digest;",
        "CREATE TABLE notes (noteId INTEGER PRIMARY KEY, text TEXT NOT NULL);",
        recreated("usage_counts"),
    ],
    ids=["add a column", "rename a column", "add a table", "make a table without children anew"],
)
def test_a_migration_that_keeps_the_rows_passes(sql: str) -> None:
    check_made_up(sql)


@pytest.mark.parametrize(
    ("sql", "reason", "intended"),
    [
        ("DELETE FROM payments WHERE kind = 'order';", "deletes .* rows of payments", {"payments"}),
        ("DROP TABLE events;", "drops the table events", {"events"}),
        ("UPDATE usage_counts SET plan = 'free';", r"changes values of usage_counts\.plan", {"usage_counts.plan"}),
        (
            "INSERT INTO nightly_runs (job, run) VALUES ('new', '2026');",
            "adds 1 rows to nightly_runs",
            {"nightly_runs"},
        ),
    ],
)
def test_a_change_of_rows_passes_only_where_it_is_intended(sql: str, reason: str, intended: set[str]) -> None:
    with pytest.raises(BadMigration, match=reason):
        check_made_up(sql)
    check_made_up(sql, frozenset(intended))


@pytest.mark.parametrize(
    "sql",
    [
        "PRAGMA foreign_keys = off;",
        "COMMIT; PRAGMA foreign_keys = off; BEGIN;",
        "SAVEPOINT here; RELEASE here;",
        "INSERT INTO redirect_origins (publishableKey, origin) VALUES ('nobody', 'https://example.com');",
    ],
)
def test_what_d1_refuses_is_refused(sql: str) -> None:
    with pytest.raises(BadMigration, match="D1 runs the file in one transaction"):
        check_made_up(sql)


def test_a_table_that_the_generator_cannot_fill_is_named() -> None:
    with open_database() as connection:
        connection.execute("CREATE TABLE odd (oddId TEXT PRIMARY KEY CHECK (length(oddId) = 40))")
        with pytest.raises(schema.CannotFill, match="cannot fill the table odd: CHECK constraint failed"):
            schema.fill(connection)
