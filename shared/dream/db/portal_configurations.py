"""`portal_configurations`: the configuration of the billing portal at Stripe, one per project, and the prices that it offers."""

from __future__ import annotations

from dataclasses import dataclass

from dream.runtime.bindings import Database, Row, Sql

# Finds the configuration of a project.
FIND = Sql("SELECT account, configurationId, prices FROM portal_configurations WHERE publishableKey = ?1")

# Stores the configuration of a project.
UPSERT = Sql("""
INSERT INTO portal_configurations (publishableKey, account, configurationId, prices) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (publishableKey) DO UPDATE SET
  account = excluded.account, configurationId = excluded.configurationId, prices = excluded.prices
""")


@dataclass(frozen=True, slots=True)
class PortalConfiguration:
    """A configuration at Stripe, on the account `account_id`. `prices` is a JSON object: price ids by product id."""

    account_id: str
    configuration_id: str
    prices: str


def configuration_from(rows: list[Row]) -> PortalConfiguration | None:
    """What FIND found. For modules of `db` only."""
    return PortalConfiguration(rows[0]["account"], rows[0]["configurationId"], rows[0]["prices"]) if rows else None


async def upsert(db: Database, publishable_key: str, configuration: PortalConfiguration) -> None:
    """Stores what Stripe has now."""
    await db.run(
        UPSERT, publishable_key, configuration.account_id, configuration.configuration_id, configuration.prices
    )
