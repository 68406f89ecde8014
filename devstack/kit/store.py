"""Owns a stand-in's SQLite connection: transactions, statements and settings. Each vendor owns its other tables."""

import json
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

IN_MEMORY = ":memory:"
_SCHEMA = "CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);"


class Store:
    """One SQLite connection. Only one thread at a time may use it."""

    def __init__(self, path: str, *schemas: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        # Writes may be lost if the machine crashes. `make clean-data` then starts over.
        self._db.execute("PRAGMA synchronous = OFF")
        for schema in (_SCHEMA, *schemas):
            self._db.executescript(schema)

    def close(self) -> None:
        self._db.close()

    def snapshot(self) -> bytes:
        """The bytes of the whole database, for `restore`."""
        return self._db.serialize()

    def restore(self, snapshot: bytes) -> None:
        """Replaces the database by a snapshot. The new database is in memory."""
        self._db.close()
        self._db = sqlite3.connect(IN_MEMORY, isolation_level=None, check_same_thread=False)
        self._db.deserialize(snapshot)
        self._db.row_factory = sqlite3.Row

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Commits all statements inside it, or none if an exception is raised. Inside another transaction it is part of that one."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        return self._db.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> sqlite3.Row | None:
        return self._db.execute(sql, values).fetchone()

    def run(self, sql: str, *values: Any) -> int:
        """Runs a statement and returns how many rows it changed."""
        return self._db.execute(sql, values).rowcount

    def insert_row(self, sql: str, *values: Any) -> int:
        """Runs an INSERT and returns the new row's id."""
        return self._db.execute(sql, values).lastrowid or 0

    def setting(self, name: str, default: Any = None) -> Any:
        row = self.row("SELECT value FROM settings WHERE name = ?", name)
        return default if row is None else json.loads(row["value"])

    def set_setting(self, name: str, value: Any) -> None:
        self.run("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", name, json.dumps(value))
