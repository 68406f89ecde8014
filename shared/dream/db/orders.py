"""`orders` and `order_items`: what was bought in a store, and how far it got. An order never moves back to an earlier status."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dream.db import payments, stock
from dream.db.end_users import PROVISION
from dream.db.payments import Payment
from dream.domain.orders import STATUSES, Order, OrderItem, OrderStatus, Settlement
from dream.runtime.bindings import Bound, Database, Row, Sql

_ITEMS = """
(SELECT json_group_array(json_object('tierName', i.tierName, 'displayName', i.displayName, 'priceId', i.priceId,
  'productId', i.productId, 'unitAmount', i.unitAmount, 'quantity', i.quantity))
 FROM order_items i WHERE i.orderId = o.orderId) AS items
"""

_ORDER = f"""
o.orderId, o.publishableKey, o.userId, o.email, o.status, o.sessionId, o.paymentIntentId, o.currency, o.amountTotal,
o.amountPaid, o.amountRefunded, o.expiresAt, o.createdAt, o.updatedAt, o.paidAt, {_ITEMS}
"""

_RANKS = f",{','.join(STATUSES)},"

BEGIN = Sql("""
INSERT INTO orders (orderId, publishableKey, userId, email, status, requestHash, currency, amountTotal, expiresAt,
  createdAt, updatedAt)
VALUES (?1, ?2, ?3, ?4, 'open', ?5, ?6, ?7, ?8, ?9, ?9)
""")

ADD_ITEMS = Sql("""
INSERT INTO order_items (orderId, publishableKey, tierName, displayName, priceId, productId, unitAmount, quantity)
SELECT ?1, ?2, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each(?3)
""")

ATTACH_SESSION = Sql("""
UPDATE orders SET sessionId = ?3, updatedAt = ?4
WHERE orderId = ?1 AND publishableKey = ?2 AND status = 'open' AND (sessionId IS NULL OR sessionId = ?3)
RETURNING orderId
""")

# An order that Stripe does not know, or whose session nobody was given.
ABANDON = Sql("""
UPDATE orders SET status = 'failed', updatedAt = ?3
WHERE orderId = ?1 AND publishableKey = ?2 AND status = 'open' AND sessionId IS NULL
""")

# Readings of Stripe may cross: a later status stays, and refunds only grow.
SETTLE = Sql(f"""
UPDATE orders SET
  status = ?3,
  paymentIntentId = coalesce(paymentIntentId, ?4),
  amountPaid = max(amountPaid, coalesce(?5, 0)),
  amountRefunded = max(amountRefunded, ?6),
  paidAt = CASE WHEN ?5 IS NULL THEN paidAt ELSE coalesce(paidAt, ?7) END,
  email = coalesce(email, ?8),
  sessionId = coalesce(sessionId, ?9),
  updatedAt = ?10
WHERE orderId = ?1 AND publishableKey = ?2
  AND instr('{_RANKS}', ',' || status || ',') <= instr('{_RANKS}', ',' || ?3 || ',')
""")

FIND = Sql(f"SELECT {_ORDER} FROM orders o WHERE o.orderId = ?2 AND o.publishableKey = ?1")
FIND_BY_SESSION = Sql(f"SELECT {_ORDER} FROM orders o WHERE o.sessionId = ?2 AND o.publishableKey = ?1")
FIND_UNFINISHED = Sql(f"""
SELECT {_ORDER} FROM orders o
WHERE o.requestHash = ?2 AND o.status = 'open' AND o.publishableKey = ?1
""")

# Newest first, from before a moment and an order id.
PAGE = Sql(f"""
SELECT {_ORDER} FROM orders o
WHERE o.publishableKey = ?1 AND (o.createdAt, o.orderId) < (?2, ?3)
ORDER BY o.createdAt DESC, o.orderId DESC LIMIT ?4
""")
PAGE_OF_STATUS = Sql(f"""
SELECT {_ORDER} FROM orders o
WHERE o.publishableKey = ?1 AND o.status = ?5 AND (o.createdAt, o.orderId) < (?2, ?3)
ORDER BY o.createdAt DESC, o.orderId DESC LIMIT ?4
""")

# The sweeper works for all tenants: each row names its own, and the account to ask.
UNSETTLED = Sql(f"""
SELECT {_ORDER}, s.stripeUserId, p.mode
FROM orders o
JOIN projects p ON p.publishableKey = o.publishableKey
LEFT JOIN stripe_tokens s ON s.platformId = p.platformId AND s.mode = p.mode AND s.status = 'connected'
WHERE o.status IN ('open', 'processing') AND o.expiresAt < ?1 AND o.sessionId IS NOT NULL
ORDER BY o.expiresAt LIMIT ?2
""")
WITHOUT_SESSION = Sql("""
SELECT orderId, publishableKey FROM orders INDEXED BY orders_without_session
WHERE status = 'open' AND sessionId IS NULL AND createdAt < ?1 ORDER BY createdAt LIMIT ?2
""")
# Looked at again later: one that Stripe does not settle must not keep the others waiting.
LOOK_AGAIN = Sql("UPDATE orders SET expiresAt = ?3 WHERE orderId = ?1 AND publishableKey = ?2")

LATEST = "9999"
"""A moment after all others, where the first page begins."""


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order that is about to be made. `request_hash` names the idempotent request behind it, if there is one."""

    order_id: str
    publishable_key: str
    user_id: str | None
    email: str | None
    request_hash: str | None
    currency: str
    amount_total: int
    expires_at: str
    items: tuple[OrderItem, ...]


async def begin(db: Database, order: NewOrder, now: str) -> None:
    """The order, its items and its stock, all or nothing.

    Raises ConstraintFailed: `stock.too_few` of its detail, or `is_unfinished` when the same request has an open order.
    """
    items = [
        [item.tier, item.display_name, item.price_id, item.product_id, item.unit_amount, item.quantity]
        for item in order.items
    ]
    known = [] if order.user_id is None else [PROVISION.bind(order.publishable_key, order.user_id, now)]
    await db.batch(
        [
            *known,
            BEGIN.bind(
                order.order_id,
                order.publishable_key,
                order.user_id,
                order.email,
                order.request_hash,
                order.currency,
                order.amount_total,
                order.expires_at,
                now,
            ),
            ADD_ITEMS.bind(order.order_id, order.publishable_key, json.dumps(items)),
            stock.reserve(order.publishable_key, order.order_id, now),
        ]
    )


def is_unfinished(constraint: str) -> bool:
    """Whether this constraint's words mean that the request has an open order already."""
    return "orders.requestHash" in constraint


async def attach_session(db: Database, publishable_key: str, order_id: str, session_id: str, now: str) -> bool:
    """Note the order's session. False when the order was given up meanwhile."""
    return await db.first(ATTACH_SESSION, order_id, publishable_key, session_id, now) is not None


def abandon(publishable_key: str, order_id: str, now: str) -> list[Bound]:
    """Statements that give up an order without a session and put its stock back."""
    return [ABANDON.bind(order_id, publishable_key, now), stock.follow_order(publishable_key, order_id, now)]


def settle(order: Order, settlement: Settlement, session_id: str | None, now: str) -> list[Bound]:
    """Statements that bring the order, its stock and its payment to what Stripe says. Repeating them changes nothing."""
    statements = [
        SETTLE.bind(
            order.id,
            order.publishable_key,
            settlement.status,
            settlement.payment_intent_id,
            settlement.amount_paid,
            settlement.amount_refunded,
            settlement.paid_at,
            settlement.email,
            session_id,
            now,
        ),
        stock.follow_order(order.publishable_key, order.id, now),
    ]
    if settlement.amount_paid is not None and settlement.paid_at is not None:
        payment = Payment(
            payment_id=order.id,
            kind="order",
            user_id=order.user_id,
            payment_intent_id=settlement.payment_intent_id,
            currency=settlement.currency or order.currency,
            amount_paid=settlement.amount_paid,
            amount_refunded=settlement.amount_refunded,
            paid_at=settlement.paid_at,
        )
        statements.append(payments.record(order.publishable_key, payment))
    return statements


async def find(db: Database, publishable_key: str, order_or_session_id: str) -> Order | None:
    """The project's order of that id, or of that Checkout Session."""
    statement = FIND_BY_SESSION if order_or_session_id.startswith("cs_") else FIND
    return _order(await db.first(statement, publishable_key, order_or_session_id))


async def find_unfinished(db: Database, publishable_key: str, request_hash: str) -> Order | None:
    """The open order that an idempotent request began."""
    return _order(await db.first(FIND_UNFINISHED, publishable_key, request_hash))


def page(publishable_key: str, status: OrderStatus | None, before: tuple[str, str] | None, count: int) -> Bound:
    """The statement that reads one page, newest first, `before` a creation time and an order id."""
    created_at, order_id = before or (LATEST, "")
    if status is None:
        return PAGE.bind(publishable_key, created_at, order_id, count)
    return PAGE_OF_STATUS.bind(publishable_key, created_at, order_id, count, status)


async def read_page(
    db: Database, publishable_key: str, status: OrderStatus | None, before: tuple[str, str] | None, count: int
) -> list[Order]:
    """The orders of `page`."""
    bound = page(publishable_key, status, before, count)
    return orders_of(await db.all(bound.statement, *bound.values))


async def unsettled(db: Database, expired_before: str, count: int) -> list[Row]:
    """Orders that should be settled by now, with `stripeUserId` (None: disconnected) and `mode`; read them with `Order.from_row`."""
    return await db.all(UNSETTLED, expired_before, count)


async def without_session(db: Database, created_before: str, count: int) -> list[Row]:
    """Orders whose session never came, as orderId and publishableKey."""
    return await db.all(WITHOUT_SESSION, created_before, count)


def look_again(order: Order, at: str) -> Bound:
    """Come back to an order that Stripe has not settled yet."""
    return LOOK_AGAIN.bind(order.id, order.publishable_key, at)


def _order(row: Row | None) -> Order | None:
    return None if row is None else Order.from_row(row)


def orders_of(rows: Sequence[Any]) -> list[Order]:
    return [Order.from_row(row) for row in rows]
