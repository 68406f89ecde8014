"""`tier_prices`: every price that a tier ever had. The plan follows the price."""

from __future__ import annotations

from dream.runtime.bindings import Bound, Sql

TIER_OF_PRICE = Sql("SELECT tierName FROM tier_prices WHERE publishableKey = ?1 AND priceId = ?2")


def tier_of_price(publishable_key: str, price_id: str) -> Bound:
    """The tier that is, or was, sold at this price."""
    return TIER_OF_PRICE.bind(publishable_key, price_id)
