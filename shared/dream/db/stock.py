"""`stock_reservations`: what orders hold of the stock. Triggers move the units themselves; these statements say when."""

from __future__ import annotations

from typing import Literal, TypeAlias

from dream.runtime.bindings import Bound, Sql

ReservationStatus: TypeAlias = Literal["reserved", "sold", "released"]
"""`stock_reservations.status`."""

# Only products whose stock is counted. A CHECK on tiers refuses the whole batch when there are too few.
RESERVE = Sql("""
INSERT INTO stock_reservations (orderId, publishableKey, tierName, quantity, createdAt, updatedAt)
SELECT i.orderId, i.publishableKey, i.tierName, i.quantity, ?3, ?3
FROM order_items i JOIN tiers t ON t.publishableKey = i.publishableKey AND t.name = i.tierName
WHERE i.orderId = ?1 AND i.publishableKey = ?2 AND t.inventory IS NOT NULL
""")

# Units follow their order: back on the shelf when it came to nothing or was refunded in full, else sold once it is settled.
# What was released stays released, so repeating this, or reaching an end twice, moves nothing.
FOLLOW_ORDER = Sql("""
UPDATE stock_reservations SET updatedAt = ?3, status = (
  SELECT CASE WHEN o.status IN ('expired', 'failed', 'refunded') THEN 'released' ELSE 'sold' END
  FROM orders o WHERE o.orderId = ?1)
WHERE orderId = ?1 AND publishableKey = ?2 AND status <> 'released'
  AND (SELECT o.status FROM orders o WHERE o.orderId = ?1) NOT IN ('open', 'processing')
""")


def reserve(publishable_key: str, order_id: str, now: str) -> Bound:
    """Takes the units of the order's items, in the batch that makes the order. ConstraintFailed when there are too few."""
    return RESERVE.bind(order_id, publishable_key, now)


def follow_order(publishable_key: str, order_id: str, now: str) -> Bound:
    """Settles the order's reservations by its status, in the batch that changes the status."""
    return FOLLOW_ORDER.bind(order_id, publishable_key, now)


def too_few(constraint: str) -> bool:
    """Whether this constraint's words mean that there were too few units."""
    return "inventory >= 0" in constraint
