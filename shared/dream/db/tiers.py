"""`tiers`: what a project sells, and what it allows."""

from __future__ import annotations

from dream.bindings import Database, Row, Sql

LIST_OF_PROJECT = Sql("""
SELECT name, displayName, description, price, currency, "limit", billingMode, priceId, productId, features, popular,
  trialDays, imageUrl, inventory, position
FROM tiers WHERE publishableKey = ?1 AND archivedAt IS NULL
ORDER BY position, price, name
""")


async def list_of_project(db: Database, publishable_key: str) -> list[Row]:
    """The tiers on offer, in the developer's order."""
    return await db.all(LIST_OF_PROJECT, publishable_key)
