"""Owns the tables of the Clerk stand-in: JSON documents by kind and instance, and unique email addresses."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from devstack.kit import delivery_queue
from devstack.kit.store import Store

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
"""

Document = dict[str, Any]


class EmailTaken(Exception):
    """Another user of the instance has this address."""


class ClerkStore(Store):
    """Documents of all instances. `owner` is a second id by which a document is found, such as its user's."""

    def __init__(self, path: str) -> None:
        super().__init__(path, delivery_queue.SCHEMA, _SCHEMA)

    def put(self, kind: str, instance: str, id: str, body: Document, *, owner: str = "") -> None:
        self.run(
            "INSERT INTO documents (kind, instance, id, owner, body) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (kind, instance, id) DO UPDATE SET owner = excluded.owner, body = excluded.body",
            kind,
            instance,
            id,
            owner,
            json.dumps(body),
        )

    def get(self, kind: str, instance: str, id: str) -> Document | None:
        row = self.row("SELECT body FROM documents WHERE kind = ? AND instance = ? AND id = ?", kind, instance, id)
        return json.loads(row["body"]) if row else None

    def delete(self, kind: str, instance: str, id: str) -> None:
        self.run("DELETE FROM documents WHERE kind = ? AND instance = ? AND id = ?", kind, instance, id)

    def all(self, kind: str, instance: str | None = None, *, owner: str | None = None) -> list[Document]:
        """Documents in the order in which they were first stored."""
        rows = self.rows(
            "SELECT body FROM documents WHERE kind = ? AND (? IS NULL OR instance = ?) AND (? IS NULL OR owner = ?) "
            "ORDER BY sequence",
            kind, instance, instance, owner, owner,
        )  # fmt: skip
        return [json.loads(row["body"]) for row in rows]

    def clear(self, kind: str) -> None:
        self.run("DELETE FROM documents WHERE kind = ?", kind)

    def claim_email(self, instance: str, address: str, user_id: str) -> None:
        """Reserves an address for a user. Raises EmailTaken."""
        try:
            self.run("INSERT INTO email_addresses VALUES (?, ?, ?)", instance, address.lower(), user_id)
        except sqlite3.IntegrityError as error:
            raise EmailTaken(address) from error

    def release_emails(self, instance: str, user_id: str) -> None:
        self.run("DELETE FROM email_addresses WHERE instance = ? AND userId = ?", instance, user_id)

    def user_id_by_email(self, instance: str, address: str) -> str | None:
        sql = "SELECT userId FROM email_addresses WHERE instance = ? AND address = ?"
        row = self.row(sql, instance, address.lower())
        return row["userId"] if row else None
