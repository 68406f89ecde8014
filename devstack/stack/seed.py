"""Owns the demo data: a developer with one `saas` and one `store` project. Inserting them twice changes nothing.

It writes to D1's file while no worker runs. It writes the plain keys to the stack's folder, where `make dev` reads them.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from devstack.stack.configuration import Configuration
from devstack.stack.demo_accounts import DemoAccounts, PricedAt
from devstack.stack.local_context import sealing_context
from dream.crypto.secret_keys import NewSecretKey, make_secret_key
from dream.db import api_keys
from dream.domain import keys
from dream.domain.platform_billing import FAR_AWAY

EMAIL = "demo@dream-api.example"
PASSWORD = "a demo on this laptop"

SAAS_TIERS: tuple[dict[str, Any], ...] = (
    {"name": "free", "displayName": "Free", "price": 0, "limit": 100, "features": ["100 calls a month"]},
    {
        "name": "pro",
        "displayName": "Pro",
        "price": 2900,
        "limit": 1000,
        "popular": 1,
        "features": ["1,000 calls a month"],
    },
    {"name": "unlimited", "displayName": "Unlimited", "price": 9900, "limit": None, "features": ["No limit"]},
)
STORE_PRODUCTS: tuple[dict[str, Any], ...] = (
    {"name": "mug", "displayName": "Mug", "price": 1200, "inventory": 25, "description": "Holds a third of a litre."},
    {"name": "t-shirt", "displayName": "T-shirt", "price": 2400, "inventory": 10, "description": "Cotton, size M."},
    {"name": "poster", "displayName": "Poster", "price": 1800, "inventory": 3, "description": "A2, numbered."},
)


@dataclass(frozen=True)
class Seeded:
    """The demo data, inserted now or at an earlier start."""

    demo: dict[str, Any]
    platform_price_id: str


def insert(database: Path, configuration: Configuration) -> Seeded:
    """Inserts the demo data if they do not exist, and returns them."""
    file = configuration.folder / "demo.json"
    if file.exists():
        record = json.loads(file.read_text())
    else:
        record = _insert_all(database, DemoAccounts(configuration), configuration.secrets.encryption_keys)
        file.touch(mode=0o600)
        file.write_text(json.dumps(record, indent=2))
    return Seeded(demo=record["demo"], platform_price_id=record["platformPriceId"])


def _insert_all(database: Path, accounts: DemoAccounts, encryption_keys: str) -> dict[str, Any]:
    context = sealing_context({"ENCRYPTION_KEYS": encryption_keys})
    saas_key, store_key = (asyncio.run(make_secret_key(context, "test")) for _ in range(2))
    platform_id = keys.make_id("plt", os.urandom)
    user_id = keys.make_id("user", os.urandom)
    account_id = keys.make_id("acct", os.urandom)
    accounts.developer(user_id, EMAIL, PASSWORD)
    accounts.connected_account(account_id, EMAIL)
    saas_prices = accounts.prices(account_id, SAAS_TIERS, recurring=True)
    store_prices = accounts.prices(account_id, STORE_PRODUCTS, recurring=False)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = ON")
        _insert_row(
            connection,
            "platforms",
            platformId=platform_id,
            clerkUserId=user_id,
            email=EMAIL,
            subscriptionStatus="active",
            liveKeysUntil=FAR_AWAY,
        )
        connection.execute(
            "INSERT INTO stripe_tokens (platformId, mode, stripeUserId, scope, connectedAt) VALUES (?, 'test', ?, ?, ?)",
            (platform_id, account_id, "read_write", _now()),
        )
        saas = _project(connection, platform_id, "Demo SaaS", "saas", saas_key)
        _tiers(connection, saas["publishableKey"], "subscription", SAAS_TIERS, saas_prices)
        store = _project(connection, platform_id, "Demo store", "store", store_key)
        _tiers(connection, store["publishableKey"], "one_off", STORE_PRODUCTS, store_prices)
    return {
        "demo": {
            "developer": {"userId": user_id, "email": EMAIL, "password": PASSWORD},
            "saas": {"platformId": platform_id, **saas},
            "store": {"platformId": platform_id, **store},
        },
        "platformPriceId": accounts.platform_price(),
    }


def _project(
    connection: sqlite3.Connection, platform_id: str, name: str, project_type: str, key: NewSecretKey
) -> dict[str, str]:
    publishable_key = keys.make_key("pk", "test", os.urandom)
    _insert_row(
        connection,
        "projects",
        publishableKey=publishable_key,
        platformId=platform_id,
        name=name,
        projectType=project_type,
        mode="test",
    )
    added = api_keys.add(publishable_key, key, _now())
    connection.execute(added.statement, added.values)
    return {"publishableKey": publishable_key, "secretKey": key.plain}


def _tiers(
    connection: sqlite3.Connection,
    publishable_key: str,
    billing_mode: str,
    tiers: Sequence[dict[str, Any]],
    prices: Sequence[PricedAt | None],
) -> None:
    for position, (tier, priced) in enumerate(zip(tiers, prices, strict=True)):
        columns = {**tier, "features": json.dumps(tier.get("features", []))}
        if priced:
            columns |= {"priceId": priced.price_id, "productId": priced.product_id}
        _insert_row(
            connection,
            "tiers",
            publishableKey=publishable_key,
            billingMode=billing_mode,
            position=position,
            **columns,
        )


def _insert_row(connection: sqlite3.Connection, table: str, **columns: Any) -> None:
    """Inserts one row. It sets `createdAt` and `updatedAt`."""
    values = {**columns, "createdAt": _now(), "updatedAt": _now()}
    names = ", ".join(f'"{name}"' for name in values)
    places = ", ".join("?" for _ in values)
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", tuple(values.values()))  # noqa: S608


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
