"""`portal_configurations`: the billing portal's configuration at Stripe, per project, and the prices that it was told."""

from __future__ import annotations

from dream.runtime.bindings import Bound, Database, Sql

FIND = Sql("SELECT account, configurationId, prices FROM portal_configurations WHERE publishableKey = ?1")

RECORD = Sql("""
INSERT INTO portal_configurations (publishableKey, account, configurationId, prices) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (publishableKey) DO UPDATE SET
  account = excluded.account, configurationId = excluded.configurationId, prices = excluded.prices
""")


def of_project(publishable_key: str) -> Bound:
    """The project's configuration, if one was ever made."""
    return FIND.bind(publishable_key)


async def record(db: Database, publishable_key: str, account: str, configuration_id: str, prices: str) -> None:
    """Note what Stripe was told. `prices` is a JSON object: price ids by product."""
    await db.run(RECORD, publishable_key, account, configuration_id, prices)
