"""Owns local migrations: applies `migrations/*.sql` to D1 and records them as `wrangler d1 migrations apply` does.

The database is the SQLite file that Miniflare has for the binding. This module writes to it only while no worker runs.
"""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
from pathlib import Path

from deploy.paths import ROOT

FOLDER = ROOT / "migrations"
DATABASE = "dream"
# Miniflare stores a D1 database in a Durable Object of this class. The file is named after the object's id.
OBJECT_CLASS = "miniflare-D1DatabaseObject"

LEDGER = """
CREATE TABLE IF NOT EXISTS d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)
"""


def database_file(persist: Path) -> Path:
    """The file of the local D1 database. `persist` is the stack's storage folder."""
    key = hashlib.sha256(OBJECT_CLASS.encode()).digest()
    name = hmac.digest(key, DATABASE.encode(), "sha256")[:16]
    object_id = (name + hmac.digest(key, name, "sha256")[:16]).hex()
    return persist / "d1" / OBJECT_CLASS / f"{object_id}.sqlite"


def apply(file: Path) -> list[str]:
    """Applies the missing migrations, each in one transaction, and returns their names. Raises RuntimeError if one fails."""
    file.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        connection.execute("PRAGMA foreign_keys = ON")  # as D1 has them
        connection.execute(LEDGER)
        done = {name for (name,) in connection.execute("SELECT name FROM d1_migrations")}
        missing = [path for path in sorted(FOLDER.glob("*.sql")) if path.name not in done]
        for path in missing:
            note = f"INSERT INTO d1_migrations (name) VALUES ('{path.name}');"  # noqa: S608
            try:
                connection.executescript(f"BEGIN;\n{path.read_text()}\n{note}\nCOMMIT;")
            except sqlite3.Error as error:
                raise RuntimeError(f"migration {path.name} failed: {error}") from error
        return [path.name for path in missing]
    finally:
        connection.close()
