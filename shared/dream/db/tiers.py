"""`tiers`: what a project sells and allows, and the effects at Stripe that follow from a change of a tier."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dream.db.outbox import insert_effects
from dream.db.plan_in_force import STORED_PLAN
from dream.domain.tiers import Tier
from dream.runtime.bindings import Bound, Database, Row, Sql

# Lists the tiers of a project that are not archived, in the developer's order.
LIST_OF_PROJECT = Sql("""
SELECT name, displayName, description, price, currency, "limit", billingMode, priceId, productId, features, popular,
  trialDays, imageUrl, inventory
FROM tiers WHERE publishableKey = ?1 AND archivedAt IS NULL
ORDER BY position, price, name
""")

# Adds tiers ?2 (a JSON array of rows) to project ?1 at ?3, behind the tiers that it has. Adds none if the project has ?4 tiers
# already. An archived tier of the same name is replaced and keeps its subscribers; a tier that is not archived stays as it is.
# Returns the names of the tiers that were added.
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

# Sets the columns that the JSON object ?3 names, of tier ?2 of project ?1, at ?4. Other columns stay.
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

# Whether the tier has subscribers: a subscription that has not ended is on it, or the developer put a user on it.
_HAS_SUBSCRIBERS = f"""(
  EXISTS (SELECT 1 FROM subscriptions s WHERE s.publishableKey = ?1 AND s.plan = ?2 AND s.endedAt IS NULL)
  OR EXISTS (SELECT 1 FROM end_users WHERE publishableKey = ?1 AND {STORED_PLAN} = ?2))"""

# Archives tier ?2 of project ?1 at ?3, if it has no subscribers or ?4 is 1. The last tier of a saas project can't be archived.
ARCHIVE = Sql(f"""
UPDATE tiers SET archivedAt = ?3, updatedAt = ?3
WHERE publishableKey = ?1 AND name = ?2 AND archivedAt IS NULL
  AND (?4 = 1 OR NOT {_HAS_SUBSCRIBERS})
  AND (billingMode <> 'subscription' OR EXISTS (
    SELECT 1 FROM tiers t WHERE t.publishableKey = ?1 AND t.name <> ?2 AND t.archivedAt IS NULL))
RETURNING name
""")

# Archives the tiers with the names ?2 (a JSON array), subscribers or not: for a live project that follows its test project.
ARCHIVE_ALL = Sql("""
UPDATE tiers SET archivedAt = ?3, updatedAt = ?3
WHERE publishableKey = ?1 AND name IN (SELECT value FROM json_each(?2)) AND archivedAt IS NULL
""")

# Whether tier ?2 of project ?1 has subscribers.
HAS_SUBSCRIBERS = Sql(f"SELECT {_HAS_SUBSCRIBERS} AS answer")

# Enqueues the archiving of those of the prices ?2 (a JSON array of ids) that no tier of project ?1 sells. Mode ?3, account ?4,
# now ?5. Comes after the change of the tiers.
ENQUEUE_ARCHIVING_UNUSED_PRICES = insert_effects(
    "'archive_price'",
    "value",
    "json_object('mode', ?3, 'account', ?4, 'priceId', value)",
    "?5",
    """FROM json_each(?2)
WHERE value NOT IN (
  SELECT priceId FROM tiers WHERE publishableKey = ?1 AND archivedAt IS NULL AND priceId IS NOT NULL)""",
)

# Enqueues the archiving of those of the products ?2 (a JSON array of ids) that no tier of project ?1 sells. Mode ?3, account ?4,
# now ?5. Comes after the change of the tiers.
ENQUEUE_ARCHIVING_UNUSED_PRODUCTS = insert_effects(
    "'archive_product'",
    "value",
    "json_object('mode', ?3, 'account', ?4, 'productId', value)",
    "?5",
    """FROM json_each(?2)
WHERE value NOT IN (
  SELECT productId FROM tiers WHERE publishableKey = ?1 AND archivedAt IS NULL AND productId IS NOT NULL)""",
)

# Enqueues the archiving of the price of tier ?2 of project ?1, if it is not the new price ?3. Mode ?4, account ?5, now ?6. Comes
# before the change, so it archives whichever price the change replaces, also one that another request has just set.
ENQUEUE_ARCHIVING_REPLACED_PRICE = insert_effects(
    "'archive_price'",
    "priceId",
    "json_object('mode', ?4, 'account', ?5, 'priceId', priceId)",
    "?6",
    """FROM tiers
WHERE publishableKey = ?1 AND name = ?2 AND archivedAt IS NULL AND priceId IS NOT NULL AND priceId IS NOT ?3""",
)

# Enqueues the archiving of the product of tier ?2 of project ?1, if it is not the new product ?3: two requests created a product
# for the same tier. Mode ?4, account ?5, now ?6. Comes before the change.
ENQUEUE_ARCHIVING_REPLACED_PRODUCT = insert_effects(
    "'archive_product'",
    "productId",
    "json_object('mode', ?4, 'account', ?5, 'productId', productId)",
    "?6",
    """FROM tiers
WHERE publishableKey = ?1 AND name = ?2 AND archivedAt IS NULL AND productId IS NOT NULL AND productId <> ?3""",
)

# Enqueues an update of the product of tier ?2 of project ?1: it shows what the tier shows. Mode ?3, account ?4, now ?5. Comes after
# the change of the tier.
ENQUEUE_DESCRIBING_PRODUCT = insert_effects(
    "'describe_product'",
    "productId",
    """json_object('mode', ?3, 'account', ?4, 'productId', productId,
  'name', displayName, 'description', description, 'imageUrl', coalesce(imageUrl, ''))""",
    "?5",
    "FROM tiers WHERE publishableKey = ?1 AND name = ?2 AND archivedAt IS NULL AND productId IS NOT NULL",
    if_enqueued="replace",
)


def _tier_from(row: Row) -> Tier:
    return Tier(
        name=row["name"],
        display_name=row["displayName"],
        description=row["description"],
        price=row["price"],
        currency=row["currency"],
        limit=row["limit"],
        billing_mode=row["billingMode"],
        price_id=row["priceId"],
        product_id=row["productId"],
        features=tuple(json.loads(row["features"])),
        popular=bool(row["popular"]),
        trial_days=row["trialDays"],
        image_url=row["imageUrl"],
        inventory=row["inventory"],
    )


def tiers_from(rows: Sequence[Row]) -> tuple[Tier, ...]:
    """What LIST_OF_PROJECT found. For modules of `db` only."""
    return tuple(_tier_from(row) for row in rows)


async def list_of_project(db: Database, publishable_key: str) -> tuple[Tier, ...]:
    """The tiers that are not archived, in the developer's order."""
    return tiers_from(await db.all(LIST_OF_PROJECT, publishable_key))


async def has_subscribers(db: Database, publishable_key: str, name: str) -> bool:
    """Whether the tier has subscribers, or users whom the developer put on it."""
    return bool(await db.value(HAS_SUBSCRIBERS, publishable_key, name))


def add(publishable_key: str, rows: Sequence[Mapping[str, Any]], now: str, most: int) -> Bound:
    """Adds tiers, given by column. Adds none if the project has `most` tiers already. Returns a row for each that was added."""
    return ADD.bind(publishable_key, json.dumps(rows), now, most)


def update(publishable_key: str, name: str, columns: Mapping[str, Any], now: str) -> Bound:
    """Sets the named columns of a tier. Of two updates at once, both take effect. Returns no row if the tier is archived."""
    return UPDATE.bind(publishable_key, name, json.dumps(columns), now)


def archive(publishable_key: str, name: str, now: str, *, force: bool) -> Bound:
    """Archives the tier; its subscribers keep it. Returns no row if that is not allowed: without `force`, it has no subscribers."""
    return ARCHIVE.bind(publishable_key, name, now, int(force))


def archive_all(publishable_key: str, names: Sequence[str], now: str) -> Bound:
    """Archives these tiers, subscribers or not."""
    return ARCHIVE_ALL.bind(publishable_key, json.dumps(names), now)


def enqueue_archiving_unused(
    publishable_key: str, mode: str, account: str, product_ids: Sequence[str], price_ids: Sequence[str], now: str
) -> list[Bound]:
    """Enqueues the archiving of those products and prices at Stripe that no tier sells. Comes after the change of the tiers."""
    return [
        ENQUEUE_ARCHIVING_UNUSED_PRICES.bind(publishable_key, json.dumps(price_ids), mode, account, now),
        ENQUEUE_ARCHIVING_UNUSED_PRODUCTS.bind(publishable_key, json.dumps(product_ids), mode, account, now),
    ]


def enqueue_archiving_replaced(
    publishable_key: str, name: str, columns: Mapping[str, str | None], mode: str, account: str, now: str
) -> list[Bound]:
    """Enqueues the archiving of the price and the product that these columns replace. Comes before the change of the tier."""
    values = mode, account, now
    return [
        ENQUEUE_ARCHIVING_REPLACED_PRICE.bind(publishable_key, name, columns["priceId"], *values),
        ENQUEUE_ARCHIVING_REPLACED_PRODUCT.bind(publishable_key, name, columns.get("productId"), *values),
    ]


def enqueue_describing_product(publishable_key: str, name: str, mode: str, account: str, now: str) -> Bound:
    """Enqueues: the product at Stripe shows the tier's name, description and image. Comes after the change of the tier."""
    return ENQUEUE_DESCRIBING_PRODUCT.bind(publishable_key, name, mode, account, now)
