"""`tiers`: what a project sells, and what it allows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dream.runtime.bindings import Bound, Database, Row, Sql

LIST_OF_PROJECT = Sql("""
SELECT name, displayName, description, price, currency, "limit", billingMode, priceId, productId, features, popular,
  trialDays, imageUrl, inventory, position
FROM tiers WHERE publishableKey = ?1 AND archivedAt IS NULL
ORDER BY position, price, name
""")


async def list_of_project(db: Database, publishable_key: str) -> list[Row]:
    """The tiers on offer, in the developer's order."""
    return await db.all(LIST_OF_PROJECT, publishable_key)


# What developers change ------------------------------------------------------------------------------------

# Project ?1, tiers ?2 (a JSON array of rows), now ?3, most tiers ?4. A tier that was archived comes back with its subscribers;
# one that is on offer stays as it is. The names of those that were added come back.
ADD = Sql("""
INSERT INTO tiers (publishableKey, name, displayName, description, price, currency, "limit", billingMode, priceId, productId,
  features, popular, trialDays, imageUrl, inventory, position, createdAt, updatedAt)
SELECT ?1, value ->> 'name', value ->> 'displayName', value ->> 'description', value ->> 'price', value ->> 'currency',
  value ->> 'limit', value ->> 'billingMode', value ->> 'priceId', value ->> 'productId', value -> 'features',
  value ->> 'popular', value ->> 'trialDays', value ->> 'imageUrl', value ->> 'inventory',
  key + (SELECT coalesce(max(t.position) + 1, 0) FROM tiers t WHERE t.publishableKey = ?1 AND t.archivedAt IS NULL), ?3, ?3
FROM json_each(?2)
WHERE (SELECT count(*) FROM tiers t WHERE t.publishableKey = ?1 AND t.archivedAt IS NULL) < ?4
ON CONFLICT (publishableKey, name) DO UPDATE SET
  displayName = excluded.displayName, description = excluded.description, price = excluded.price,
  currency = excluded.currency, "limit" = excluded."limit", billingMode = excluded.billingMode, priceId = excluded.priceId,
  productId = excluded.productId, features = excluded.features, popular = excluded.popular, trialDays = excluded.trialDays,
  imageUrl = excluded.imageUrl, inventory = excluded.inventory, position = excluded.position, updatedAt = excluded.updatedAt,
  archivedAt = NULL
WHERE archivedAt IS NOT NULL
RETURNING name
""")

# Project ?1, tier ?2, changes ?3 (a JSON object: what it does not name stays), now ?4.
UPDATE = Sql("""
UPDATE tiers SET
  displayName = coalesce(?3 ->> 'displayName', displayName),
  description = coalesce(?3 ->> 'description', description),
  price = coalesce(?3 ->> 'price', price),
  "limit" = CASE WHEN json_type(?3, '$.limit') IS NULL THEN "limit" ELSE ?3 ->> 'limit' END,
  priceId = CASE WHEN json_type(?3, '$.priceId') IS NULL THEN priceId ELSE ?3 ->> 'priceId' END,
  productId = coalesce(?3 ->> 'productId', productId),
  features = coalesce(?3 -> 'features', features),
  popular = coalesce(?3 ->> 'popular', popular),
  trialDays = coalesce(?3 ->> 'trialDays', trialDays),
  imageUrl = CASE WHEN json_type(?3, '$.imageUrl') IS NULL THEN imageUrl ELSE ?3 ->> 'imageUrl' END,
  inventory = CASE WHEN json_type(?3, '$.inventory') IS NULL THEN inventory ELSE ?3 ->> 'inventory' END,
  updatedAt = ?4
WHERE publishableKey = ?1 AND name = ?2 AND archivedAt IS NULL
RETURNING name
""")

# Somebody is on the tier: by a subscription that has not ended, or because the developer put them there.
_HAS_SUBSCRIBERS = """(
  EXISTS (SELECT 1 FROM subscriptions s WHERE s.publishableKey = ?1 AND s.plan = ?2
    AND s.status IN ('active', 'trialing', 'past_due', 'incomplete', 'unpaid', 'paused'))
  OR EXISTS (SELECT 1 FROM end_users u WHERE u.publishableKey = ?1 AND coalesce(u.subscriptionPlan, u.plan, '') = ?2))"""

# Project ?1, tier ?2, now ?3, whatever subscribers ?4. A saas project keeps a tier to put its users on.
ARCHIVE = Sql(f"""
UPDATE tiers SET archivedAt = ?3, updatedAt = ?3
WHERE publishableKey = ?1 AND name = ?2 AND archivedAt IS NULL
  AND (?4 = 1 OR NOT {_HAS_SUBSCRIBERS})
  AND (billingMode <> 'subscription' OR EXISTS (
    SELECT 1 FROM tiers t WHERE t.publishableKey = ?1 AND t.name <> ?2 AND t.archivedAt IS NULL))
RETURNING name
""")

# Whatever anybody is on: for a project that follows another one.
ARCHIVE_ALL = Sql("""
UPDATE tiers SET archivedAt = ?3, updatedAt = ?3
WHERE publishableKey = ?1 AND name IN (SELECT value FROM json_each(?2)) AND archivedAt IS NULL
""")

HAS_SUBSCRIBERS = Sql(f"SELECT {_HAS_SUBSCRIBERS} AS answer")

# What is still owed to Stripe, in the words of the effects: comes after the change, and reads what it left.
# Project ?1, what was made ?2 (a JSON array of ids), mode ?3, account ?4, now ?5.
OWE_UNUSED_PRICES = Sql("""
INSERT INTO outbox (kind, subject, payload, nextAttemptAt, createdAt)
SELECT 'archive_price', value, json_object('mode', ?3, 'account', ?4, 'priceId', value), ?5, ?5 FROM json_each(?2)
WHERE value NOT IN (
  SELECT priceId FROM tiers WHERE publishableKey = ?1 AND archivedAt IS NULL AND priceId IS NOT NULL)
ON CONFLICT (kind, subject) DO NOTHING
""")

OWE_UNUSED_PRODUCTS = Sql("""
INSERT INTO outbox (kind, subject, payload, nextAttemptAt, createdAt)
SELECT 'archive_product', value, json_object('mode', ?3, 'account', ?4, 'productId', value), ?5, ?5 FROM json_each(?2)
WHERE value NOT IN (
  SELECT productId FROM tiers WHERE publishableKey = ?1 AND archivedAt IS NULL AND productId IS NOT NULL)
ON CONFLICT (kind, subject) DO NOTHING
""")

# Project ?1, tier ?2, the price that comes ?3, mode ?4, account ?5, now ?6. Comes before the change: whichever price it
# replaces, be it one that somebody else has just set, is sold no more.
OWE_REPLACED_PRICE = Sql("""
INSERT INTO outbox (kind, subject, payload, nextAttemptAt, createdAt)
SELECT 'archive_price', priceId, json_object('mode', ?4, 'account', ?5, 'priceId', priceId), ?6, ?6
FROM tiers WHERE publishableKey = ?1 AND name = ?2 AND archivedAt IS NULL AND priceId IS NOT NULL AND priceId IS NOT ?3
ON CONFLICT (kind, subject) DO NOTHING
""")

# Project ?1, tier ?2, the product that comes ?3, mode ?4, account ?5, now ?6: two who made one for the same tier at once.
OWE_REPLACED_PRODUCT = Sql("""
INSERT INTO outbox (kind, subject, payload, nextAttemptAt, createdAt)
SELECT 'archive_product', productId, json_object('mode', ?4, 'account', ?5, 'productId', productId), ?6, ?6
FROM tiers WHERE publishableKey = ?1 AND name = ?2 AND archivedAt IS NULL AND productId IS NOT NULL AND productId <> ?3
ON CONFLICT (kind, subject) DO NOTHING
""")

# The product at Stripe says what the tier says. After the change.
OWE_PRODUCT_TEXT = Sql("""
INSERT INTO outbox (kind, subject, payload, nextAttemptAt, createdAt)
SELECT 'describe_product', productId, json_object('mode', ?3, 'account', ?4, 'productId', productId,
  'name', displayName, 'description', description, 'imageUrl', coalesce(imageUrl, '')), ?5, ?5
FROM tiers WHERE publishableKey = ?1 AND name = ?2 AND archivedAt IS NULL AND productId IS NOT NULL
ON CONFLICT (kind, subject) DO UPDATE SET
  payload = excluded.payload, version = version + 1, attempts = 0, nextAttemptAt = excluded.nextAttemptAt, lastError = NULL
""")


def add(publishable_key: str, rows: Sequence[Mapping[str, Any]], now: str, most: int) -> Bound:
    """Offer these tiers, after those that there are; none if that many are on offer already."""
    return ADD.bind(publishable_key, json.dumps(rows), now, most)


def update(publishable_key: str, name: str, changes: Mapping[str, Any], now: str) -> Bound:
    """Set the named columns of a tier on offer; two changes of different columns at once both stay."""
    return UPDATE.bind(publishable_key, name, json.dumps(changes), now)


def archive(publishable_key: str, name: str, now: str, *, force: bool) -> Bound:
    """Offer the tier no more; its row stays for those who are on it."""
    return ARCHIVE.bind(publishable_key, name, now, int(force))


def archive_all(publishable_key: str, names: Sequence[str], now: str) -> Bound:
    """Offer these tiers no more, whoever is on them."""
    return ARCHIVE_ALL.bind(publishable_key, json.dumps(names), now)


async def has_subscribers(db: Database, publishable_key: str, name: str) -> bool:
    """Whether anybody is on the tier."""
    return bool(await db.value(HAS_SUBSCRIBERS, publishable_key, name))


def owe_unused(
    publishable_key: str, mode: str, account: str, product_ids: Sequence[str], price_ids: Sequence[str], now: str
) -> list[Bound]:
    """Archive at Stripe what of these no tier on offer uses. After the change."""
    return [
        OWE_UNUSED_PRICES.bind(publishable_key, json.dumps(price_ids), mode, account, now),
        OWE_UNUSED_PRODUCTS.bind(publishable_key, json.dumps(product_ids), mode, account, now),
    ]


def owe_replaced(
    publishable_key: str, name: str, stripe: Mapping[str, str | None], mode: str, account: str, now: str
) -> list[Bound]:
    """Archive at Stripe the price, and the product if it is another, that these columns replace. Before the change."""
    values = mode, account, now
    return [
        OWE_REPLACED_PRICE.bind(publishable_key, name, stripe["priceId"], *values),
        OWE_REPLACED_PRODUCT.bind(publishable_key, name, stripe.get("productId"), *values),
    ]


def owe_product_text(publishable_key: str, name: str, mode: str, account: str, now: str) -> Bound:
    """Show the tier's name, description and image on its product at Stripe. After the change."""
    return OWE_PRODUCT_TEXT.bind(publishable_key, name, mode, account, now)
