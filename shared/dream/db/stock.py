"""`stock_reservations`: the units that orders hold. Triggers of schema.sql change the inventory; these statements say when."""

from __future__ import annotations

from typing import Literal, TypeAlias

from dream.runtime.bindings import Bound, Sql

ReservationStatus: TypeAlias = Literal["reserved", "sold", "released"]
"""`stock_reservations.status`."""

# Reserves the units of an order's items whose inventory is tracked. If there are too few, a CHECK of `tiers` refuses the batch.
RESERVE = Sql("""
INSERT INTO stock_reservations (orderId, publishableKey, tierName, quantity, createdAt, updatedAt)
SELECT i.orderId, i.publishableKey, i.tierName, i.quantity, ?3, ?3
FROM order_items i JOIN tiers t ON t.publishableKey = i.publishableKey AND t.name = i.tierName
WHERE i.orderId = ?1 AND i.publishableKey = ?2 AND t.inventory IS NOT NULL
""")

# Sets the status of an order's reservations by the status of the order: released if the order expired, failed or was refunded in
# full; sold if it was paid. Released units stay released, so to repeat this, or to reach two ends, changes nothing.
FOLLOW_ORDER = Sql("""
UPDATE stock_reservations SET updatedAt = ?3, status = (
  SELECT CASE WHEN o.status IN ('expired', 'failed', 'refunded') THEN 'released' ELSE 'sold' END
  FROM orders o WHERE o.orderId = ?1)
WHERE orderId = ?1 AND publishableKey = ?2 AND status <> 'released'
  AND (SELECT o.status FROM orders o WHERE o.orderId = ?1) NOT IN ('open', 'processing')
""")


def reserve(publishable_key: str, order_id: str, now: str) -> Bound:
    """Reserves the units of the order's items. The batch raises ConstraintFailed if there are too few: see `has_too_few`."""
    return RESERVE.bind(order_id, publishable_key, now)


def follow_order(publishable_key: str, order_id: str, now: str) -> Bound:
    """Releases or sells the reserved units. Comes after the statement that changes the order's status, in the same batch."""
    return FOLLOW_ORDER.bind(order_id, publishable_key, now)


def has_too_few(constraint: str) -> bool:
    """Whether the detail of a ConstraintFailed says that there were too few units."""
    return "inventory >= 0" in constraint
