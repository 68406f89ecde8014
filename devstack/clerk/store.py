"""The stand-in's SQLite file: JSON documents by kind and instance, unique email addresses, and settings."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    instance TEXT NOT NULL,
    id TEXT NOT NULL,
    owner TEXT NOT NULL DEFAULT '',
    body TEXT NOT NULL,
    UNIQUE (kind, instance, id)
);
CREATE INDEX IF NOT EXISTS documents_by_owner ON documents (kind, instance, owner);
CREATE TABLE IF NOT EXISTS email_addresses (
    instance TEXT NOT NULL,
    address TEXT NOT NULL,
    userId TEXT NOT NULL,
    PRIMARY KEY (instance, address)
);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""

Document = dict[str, Any]


class EmailTaken(Exception):
    """Another user of the instance has this address."""


class Store:
    """Every document is plain JSON; `owner` is the one other id it is looked up by (a user, a client)."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """All or nothing; nested use joins the outer one."""
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

    def put(self, kind: str, instance: str, id: str, body: Document, *, owner: str = "") -> None:
        self._db.execute(
            "INSERT INTO documents (kind, instance, id, owner, body) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (kind, instance, id) DO UPDATE SET owner = excluded.owner, body = excluded.body",
            (kind, instance, id, owner, json.dumps(body)),
        )

    def get(self, kind: str, instance: str, id: str) -> Document | None:
        row = self._db.execute(
            "SELECT body FROM documents WHERE kind = ? AND instance = ? AND id = ?", (kind, instance, id)
        ).fetchone()
        return json.loads(row[0]) if row else None

    def delete(self, kind: str, instance: str, id: str) -> None:
        self._db.execute("DELETE FROM documents WHERE kind = ? AND instance = ? AND id = ?", (kind, instance, id))

    def all(self, kind: str, instance: str | None = None, *, owner: str | None = None) -> list[Document]:
        """Documents in the order they were first written."""
        rows = self._db.execute(
            "SELECT body FROM documents WHERE kind = ? AND (? IS NULL OR instance = ?) AND (? IS NULL OR owner = ?) "
            "ORDER BY sequence",
            (kind, instance, instance, owner, owner),
        ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def clear(self, kind: str) -> None:
        self._db.execute("DELETE FROM documents WHERE kind = ?", (kind,))

    def claim_email(self, instance: str, address: str, user_id: str) -> None:
        """Reserve an address for a user; raises EmailTaken."""
        try:
            self._db.execute("INSERT INTO email_addresses VALUES (?, ?, ?)", (instance, address.lower(), user_id))
        except sqlite3.IntegrityError as error:
            raise EmailTaken(address) from error

    def release_emails(self, instance: str, user_id: str) -> None:
        self._db.execute("DELETE FROM email_addresses WHERE instance = ? AND userId = ?", (instance, user_id))

    def user_id_by_email(self, instance: str, address: str) -> str | None:
        row = self._db.execute(
            "SELECT userId FROM email_addresses WHERE instance = ? AND address = ?", (instance, address.lower())
        ).fetchone()
        return row[0] if row else None

    def setting(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set_setting(self, name: str, value: str) -> None:
        self._db.execute(
            "INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value)
        )
