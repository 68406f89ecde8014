"""`tier_prices`: every price that a tier has or had. The plan of a subscription follows its price."""

from __future__ import annotations

from dream.runtime.bindings import Row, Sql

# Finds the tier of the project that has or had the price.
TIER_OF_PRICE = Sql("SELECT tierName FROM tier_prices WHERE publishableKey = ?1 AND priceId = ?2")


def tier_from(rows: list[Row]) -> str | None:
    """The name of the tier that TIER_OF_PRICE found. For modules of `db` only."""
    return rows[0]["tierName"] if rows else None
