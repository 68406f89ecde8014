"""Owns the tables of the Stripe stand-in: objects, timers, idempotent answers, connections. It has no rules of Stripe."""

import json
from dataclasses import dataclass
from typing import Any

from devstack.kit import delivery_queue
from devstack.kit.store import Store
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
CREATE TABLE IF NOT EXISTS connections (
  account TEXT NOT NULL, livemode INTEGER NOT NULL, scope TEXT NOT NULL, access_token TEXT NOT NULL,
  refresh_token TEXT NOT NULL, publishable_key TEXT NOT NULL, created INTEGER NOT NULL, PRIMARY KEY (account, livemode));
CREATE TABLE IF NOT EXISTS authorization_codes (
  code TEXT PRIMARY KEY, account TEXT NOT NULL, livemode INTEGER NOT NULL, scope TEXT NOT NULL,
  created INTEGER NOT NULL, used INTEGER);
"""


@dataclass(frozen=True)
class Tenant:
    """One account in one mode. Each object belongs to one tenant."""

    account: str
    livemode: bool


@dataclass(frozen=True)
class Timer:
    """A change of an object that is due at a time. `kind` says which change."""

    kind: str
    object_id: str
    tenant: Tenant
    due: int


class StripeStore(Store):
    """Objects and timers of all tenants. Each read and write takes the tenant."""

    def __init__(self, path: str) -> None:
        super().__init__(path, delivery_queue.SCHEMA, _SCHEMA)

    # Objects

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
        """Objects of a kind whose top-level fields have the values in `equals`, newest first."""
        sql = "SELECT data FROM objects WHERE kind = ? AND account = ? AND livemode = ?"
        values: list[Any] = [kind, tenant.account, tenant.livemode]
        for field, value in equals.items():
            sql += " AND json_extract(data, ?) = ?"
            values += [f"$.{field}", value]
        return [json.loads(row["data"]) for row in self.rows(sql + " ORDER BY seq DESC", *values)]

    def tenant_of(self, object_id: str) -> Tenant | None:
        row = self.row("SELECT account, livemode FROM objects WHERE id = ? ORDER BY seq DESC", object_id)
        return None if row is None else Tenant(row["account"], bool(row["livemode"]))

    # Timers

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
