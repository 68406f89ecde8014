"""`orders` and `order_items`: what was bought in a store. The status of an order never moves back to an earlier one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from dream.db import payments, stock
from dream.db.end_users import PROVISION
from dream.db.payments import Payment
from dream.domain.connected_account import ConnectedAccount
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

_STATUSES_IN_ORDER = f",{','.join(STATUSES)},"

# Inserts an order.
BEGIN = Sql("""
INSERT INTO orders (orderId, publishableKey, userId, email, status, requestHash, currency, amountTotal, expiresAt,
  createdAt, updatedAt)
VALUES (?1, ?2, ?3, ?4, 'open', ?5, ?6, ?7, ?8, ?9, ?9)
""")

# Inserts the items ?3 of an order: a JSON array of arrays of columns.
ADD_ITEMS = Sql("""
INSERT INTO order_items (orderId, publishableKey, tierName, displayName, priceId, productId, unitAmount, quantity)
SELECT ?1, ?2, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each(?3)
""")

# Stores the checkout session of an open order. Returns no row if the order was abandoned meanwhile.
ATTACH_SESSION = Sql("""
UPDATE orders SET sessionId = ?3, updatedAt = ?4
WHERE orderId = ?1 AND publishableKey = ?2 AND status = 'open' AND (sessionId IS NULL OR sessionId = ?3)
RETURNING orderId
""")

# Fails an order that has no session, or whose session nobody was given.
ABANDON = Sql("""
UPDATE orders SET status = 'failed', updatedAt = ?3
WHERE orderId = ?1 AND publishableKey = ?2 AND status = 'open' AND sessionId IS NULL
""")

# Sets an order to what a read of Stripe found. Reads may cross, so a later status stays, and refunds only grow.
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
  AND instr('{_STATUSES_IN_ORDER}', ',' || status || ',') <= instr('{_STATUSES_IN_ORDER}', ',' || ?3 || ',')
""")

# Finds an order of a project by its id.
FIND = Sql(f"SELECT {_ORDER} FROM orders o WHERE o.orderId = ?2 AND o.publishableKey = ?1")

# Finds an order of a project by its checkout session.
FIND_BY_SESSION = Sql(f"SELECT {_ORDER} FROM orders o WHERE o.sessionId = ?2 AND o.publishableKey = ?1")

# Finds the open order of an idempotent request.
FIND_UNFINISHED = Sql(f"""
SELECT {_ORDER} FROM orders o
WHERE o.requestHash = ?2 AND o.status = 'open' AND o.publishableKey = ?1
""")

# Lists orders of a project, the newest first, from before the moment ?2 and the order id ?3.
PAGE = Sql(f"""
SELECT {_ORDER} FROM orders o
WHERE o.publishableKey = ?1 AND (o.createdAt, o.orderId) < (?2, ?3)
ORDER BY o.createdAt DESC, o.orderId DESC LIMIT ?4
""")

# The same, of status ?5 only.
PAGE_OF_STATUS = Sql(f"""
SELECT {_ORDER} FROM orders o
WHERE o.publishableKey = ?1 AND o.status = ?5 AND (o.createdAt, o.orderId) < (?2, ?3)
ORDER BY o.createdAt DESC, o.orderId DESC LIMIT ?4
""")

# For the schedule, over all projects: lists orders with a session that expired before ?1 and are not settled, and the account to
# ask about them.
LIST_OVERDUE = Sql(f"""
SELECT {_ORDER}, p.platformId, p.mode, s.stripeUserId
FROM orders o
JOIN projects p ON p.publishableKey = o.publishableKey
LEFT JOIN stripe_tokens s ON s.platformId = p.platformId AND s.mode = p.mode AND s.status = 'connected'
WHERE o.status IN ('open', 'processing') AND o.expiresAt < ?1 AND o.sessionId IS NOT NULL
ORDER BY o.expiresAt LIMIT ?2
""")

# For the schedule, over all projects: lists open orders from before ?1 that have no session.
LIST_WITHOUT_SESSION = Sql("""
SELECT orderId, publishableKey FROM orders INDEXED BY orders_without_session
WHERE status = 'open' AND sessionId IS NULL AND createdAt < ?1 ORDER BY createdAt LIMIT ?2
""")

# Moves an overdue order behind the others, so that an order that Stripe does not settle does not make them wait.
CHECK_AGAIN_AT = Sql("UPDATE orders SET expiresAt = ?3 WHERE orderId = ?1 AND publishableKey = ?2")

LATEST = "9999"
"""A moment after all others: the first page begins there."""


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order that is about to be inserted. `request_hash` identifies the idempotent request, None for a request without key."""

    order_id: str
    publishable_key: str
    user_id: str | None
    email: str | None
    request_hash: str | None
    currency: str
    amount_total: int
    expires_at: str
    items: tuple[OrderItem, ...]


@dataclass(frozen=True, slots=True)
class OverdueOrder:
    """An order that should be settled, and the account that sells it (None: disconnected)."""

    order: Order
    account: ConnectedAccount | None


@dataclass(frozen=True, slots=True)
class OrderWithoutSession:
    """An open order whose request never stored a checkout session."""

    order_id: str
    publishable_key: str


def _order_from(row: Row) -> Order:
    return Order(
        id=row["orderId"],
        publishable_key=row["publishableKey"],
        user_id=row["userId"],
        email=row["email"],
        status=row["status"],
        session_id=row["sessionId"],
        payment_intent_id=row["paymentIntentId"],
        currency=row["currency"],
        amount_total=row["amountTotal"],
        amount_paid=row["amountPaid"],
        amount_refunded=row["amountRefunded"],
        expires_at=row["expiresAt"],
        created_at=row["createdAt"],
        updated_at=row["updatedAt"],
        paid_at=row["paidAt"],
        items=tuple(_item_from(item) for item in json.loads(row["items"])),
    )


def _item_from(item: Row) -> OrderItem:
    return OrderItem(
        tier=item["tierName"],
        display_name=item["displayName"],
        price_id=item["priceId"],
        product_id=item["productId"],
        unit_amount=item["unitAmount"],
        quantity=item["quantity"],
    )


def _overdue_order_from(row: Row) -> OverdueOrder:
    account_id = row["stripeUserId"]
    account = None if account_id is None else ConnectedAccount(row["platformId"], account_id, row["mode"])
    return OverdueOrder(_order_from(row), account)


def orders_from(rows: Sequence[Row]) -> tuple[Order, ...]:
    """What `page` found. For modules of `db` only."""
    return tuple(_order_from(row) for row in rows)


async def begin(db: Database, order: NewOrder, now: str) -> None:
    """Inserts the order with its items and reserves its stock, all or nothing.

    Raises ConstraintFailed. Its detail tells why: see `stock.has_too_few` and `is_unfinished`.
    """
    items = [
        [item.tier, item.display_name, item.price_id, item.product_id, item.unit_amount, item.quantity]
        for item in order.items
    ]
    provision = [] if order.user_id is None else [PROVISION.bind(order.publishable_key, order.user_id, now)]
    await db.batch(
        [
            *provision,
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
    """Whether the detail of a ConstraintFailed says that the request has an open order already."""
    return "orders.requestHash" in constraint


async def attach_session(db: Database, publishable_key: str, order_id: str, session_id: str, now: str) -> bool:
    """Stores the order's checkout session. False if the order was abandoned meanwhile."""
    return await db.first(ATTACH_SESSION, order_id, publishable_key, session_id, now) is not None


def abandon(publishable_key: str, order_id: str, now: str) -> list[Bound]:
    """Fails an order that has no session, and releases its stock."""
    return [ABANDON.bind(order_id, publishable_key, now), stock.follow_order(publishable_key, order_id, now)]


def settle(order: Order, settlement: Settlement, session_id: str | None, now: str) -> list[Bound]:
    """Sets the order, its stock and its payment to what Stripe says. To repeat the statements changes nothing."""
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
        statements.append(payments.upsert(order.publishable_key, payment))
    return statements


async def find(db: Database, publishable_key: str, order_or_session_id: str) -> Order | None:
    """The project's order with this id, or with this checkout session."""
    statement = FIND_BY_SESSION if order_or_session_id.startswith("cs_") else FIND
    row = await db.first(statement, publishable_key, order_or_session_id)
    return None if row is None else _order_from(row)


async def find_unfinished(db: Database, publishable_key: str, request_hash: str) -> Order | None:
    """The open order that the same idempotent request began earlier."""
    row = await db.first(FIND_UNFINISHED, publishable_key, request_hash)
    return None if row is None else _order_from(row)


def page(publishable_key: str, status: OrderStatus | None, before: tuple[str, str] | None, count: int) -> Bound:
    """The statement that lists up to `count` orders, the newest first, `before` a creation time and an order id."""
    created_at, order_id = before or (LATEST, "")
    if status is None:
        return PAGE.bind(publishable_key, created_at, order_id, count)
    return PAGE_OF_STATUS.bind(publishable_key, created_at, order_id, count, status)


async def read_page(
    db: Database, publishable_key: str, status: OrderStatus | None, before: tuple[str, str] | None, count: int
) -> tuple[Order, ...]:
    """The orders that `page` lists."""
    bound = page(publishable_key, status, before, count)
    return orders_from(await db.all(bound.statement, *bound.values))


async def list_overdue(db: Database, expired_before: str, count: int) -> list[OverdueOrder]:
    """Up to `count` orders with a session that expired before that moment (ISO 8601 UTC) and are not settled."""
    return [_overdue_order_from(row) for row in await db.all(LIST_OVERDUE, expired_before, count)]


async def list_without_session(db: Database, created_before: str, count: int) -> list[OrderWithoutSession]:
    """Up to `count` open orders from before that moment (ISO 8601 UTC) that have no session."""
    rows = await db.all(LIST_WITHOUT_SESSION, created_before, count)
    return [OrderWithoutSession(row["orderId"], row["publishableKey"]) for row in rows]


def check_again_at(order: Order, at: str) -> Bound:
    """The schedule checks the order again an hour after `at` (ISO 8601 UTC), when `list_overdue` lists it again."""
    return CHECK_AGAIN_AT.bind(order.id, order.publishable_key, at)
