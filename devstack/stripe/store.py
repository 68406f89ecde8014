"""Owns the SQLite file: objects, timers, idempotent answers, deliveries, connections, settings. Knows nothing of Stripe's rules."""

import json
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from devstack.stripe.jsontypes import Json

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, kind TEXT NOT NULL, account TEXT NOT NULL,
  livemode INTEGER NOT NULL, data TEXT NOT NULL, UNIQUE (account, livemode, id));
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, account, livemode, seq);
CREATE INDEX IF NOT EXISTS objects_by_id ON objects (id);
CREATE TABLE IF NOT EXISTS timers (
  kind TEXT NOT NULL, object_id TEXT NOT NULL, account TEXT NOT NULL, livemode INTEGER NOT NULL, due INTEGER NOT NULL,
  PRIMARY KEY (kind, object_id));
CREATE INDEX IF NOT EXISTS timers_by_due ON timers (due);
CREATE TABLE IF NOT EXISTS idempotent_answers (
  account TEXT NOT NULL, livemode INTEGER NOT NULL, key TEXT NOT NULL, path TEXT NOT NULL, fingerprint TEXT NOT NULL,
  status INTEGER NOT NULL, body TEXT NOT NULL, request_id TEXT NOT NULL, created REAL NOT NULL,
  PRIMARY KEY (account, livemode, key));
CREATE TABLE IF NOT EXISTS deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL, event_type TEXT NOT NULL, object_id TEXT,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL, endpoint INTEGER NOT NULL, url TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
  due REAL NOT NULL, position REAL NOT NULL, status INTEGER, error TEXT, created REAL NOT NULL, delivered REAL);
CREATE INDEX IF NOT EXISTS deliveries_by_state ON deliveries (state, due);
CREATE INDEX IF NOT EXISTS deliveries_by_event ON deliveries (event_id);
CREATE TABLE IF NOT EXISTS attempts (
  delivery_id INTEGER NOT NULL REFERENCES deliveries (id), at REAL NOT NULL, status INTEGER, error TEXT,
  answer TEXT, milliseconds INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS attempts_by_delivery ON attempts (delivery_id);
CREATE TABLE IF NOT EXISTS connections (
  account TEXT NOT NULL, livemode INTEGER NOT NULL, scope TEXT NOT NULL, access_token TEXT NOT NULL,
  refresh_token TEXT NOT NULL, publishable_key TEXT NOT NULL, created INTEGER NOT NULL, PRIMARY KEY (account, livemode));
CREATE TABLE IF NOT EXISTS authorization_codes (
  code TEXT PRIMARY KEY, account TEXT NOT NULL, livemode INTEGER NOT NULL, scope TEXT NOT NULL,
  created INTEGER NOT NULL, used INTEGER);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Tenant:
    """One account in one mode: nothing is ever looked up across tenants."""

    account: str
    livemode: bool


@dataclass(frozen=True)
class Timer:
    kind: str
    object_id: str
    tenant: Tenant
    due: int


class Store:
    """A thin layer over one SQLite connection, used from one thread only."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Generator[None]:
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
        return self._db.execute(sql, values).rowcount

    # objects

    def insert(self, tenant: Tenant, kind: str, data: Json) -> None:
        self.run(
            "INSERT INTO objects (id, kind, account, livemode, data) VALUES (?, ?, ?, ?, ?)",
            data["id"], kind, tenant.account, tenant.livemode, json.dumps(data),
        )  # fmt: skip

    def replace(self, tenant: Tenant, data: Json) -> None:
        self.run(
            "UPDATE objects SET data = ? WHERE account = ? AND livemode = ? AND id = ?",
            json.dumps(data), tenant.account, tenant.livemode, data["id"],
        )  # fmt: skip

    def find(self, tenant: Tenant, kind: str, object_id: str) -> Json | None:
        row = self.row(
            "SELECT data FROM objects WHERE account = ? AND livemode = ? AND id = ? AND kind = ?",
            tenant.account, tenant.livemode, object_id, kind,
        )  # fmt: skip
        return None if row is None else json.loads(row["data"])

    def where(self, tenant: Tenant, kind: str, **equals: Any) -> list[Json]:
        """All objects of a kind, newest first; `equals` compares top-level fields."""
        sql = "SELECT data FROM objects WHERE kind = ? AND account = ? AND livemode = ?"
        values: list[Any] = [kind, tenant.account, tenant.livemode]
        for field, value in equals.items():
            sql += " AND json_extract(data, ?) = ?"
            values += [f"$.{field}", value]
        return [json.loads(row["data"]) for row in self.rows(sql + " ORDER BY seq DESC", *values)]

    def tenant_of(self, object_id: str) -> Tenant | None:
        row = self.row("SELECT account, livemode FROM objects WHERE id = ? ORDER BY seq DESC", object_id)
        return None if row is None else Tenant(row["account"], bool(row["livemode"]))

    # timers

    def set_timer(self, tenant: Tenant, kind: str, object_id: str, due: int) -> None:
        self.run(
            "INSERT OR REPLACE INTO timers (kind, object_id, account, livemode, due) VALUES (?, ?, ?, ?, ?)",
            kind, object_id, tenant.account, tenant.livemode, due,
        )  # fmt: skip

    def clear_timer(self, kind: str, object_id: str) -> None:
        self.run("DELETE FROM timers WHERE kind = ? AND object_id = ?", kind, object_id)

    def next_timer(self) -> Timer | None:
        row = self.row("SELECT * FROM timers ORDER BY due, rowid LIMIT 1")
        if row is None:
            return None
        return Timer(row["kind"], row["object_id"], Tenant(row["account"], bool(row["livemode"])), row["due"])

    # settings

    def setting(self, name: str, default: Any = None) -> Any:
        row = self.row("SELECT value FROM settings WHERE name = ?", name)
        return default if row is None else json.loads(row["value"])

    def set_setting(self, name: str, value: Any) -> None:
        self.run("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", name, json.dumps(value))
