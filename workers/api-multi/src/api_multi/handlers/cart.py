"""`POST /api/cart/checkout`: reserves the stock, then creates the checkout session at Stripe.

D1 has the order and its stock before the session is created, and the URL is answered only after D1 has the session. So a buyer who
can pay has stock reserved, and nobody can pay for the order of a request that died before.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

from api_multi.credentials.shopper import Shopper
from dream.clients.stripe.account import StripeAccount, connected_account
from dream.clients.stripe.checkout_sessions import CheckoutLine
from dream.clients.stripe.http import StripeRefused
from dream.db import orders, store_front
from dream.db.orders import NewOrder
from dream.db.stock import has_too_few
from dream.domain.cart import Cart, CartLine, amount_not_payable, lines_of
from dream.domain.keys import Mode, make_id
from dream.domain.orders import CHECKOUT_LIFE_SECONDS, SHORTEST_LIFE_SECONDS, Order, OrderItem
from dream.domain.project import Project
from dream.domain.stripe.checkout_session import CheckoutSession
from dream.domain.timestamps import iso, seconds_of
from dream.errors import ApiError, Conflict, ConstraintFailed, Unavailable
from dream.http.idempotency import KeyInUse, key_of
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime import checkpoints
from dream.runtime.context import Context
from dream.services.orders.settlement import settle
from dream.services.platforms.connection import StripeNotConnected


@dataclass(frozen=True, slots=True)
class ReservedOrder:
    """An open order whose stock is reserved. The items are in the order in which Stripe gets them.

    `session_id` is set if an earlier attempt of the same request created the session.
    """

    order_id: str
    expires_at: str
    items: tuple[OrderItem, ...]
    user_id: str | None
    email: str | None
    session_id: str | None

    @classmethod
    def of_order(cls, order: Order | NewOrder) -> ReservedOrder:
        items = tuple(sorted(order.items, key=lambda item: item.tier))
        if isinstance(order, Order):
            return cls(order.id, order.expires_at, items, order.user_id, order.email, order.session_id)
        return cls(order.order_id, order.expires_at, items, order.user_id, order.email, None)


async def checkout(context: Context, request: Request, shopper: Shopper) -> Response:
    """Creates a checkout session for the cart. Its stock is reserved until the session ends."""
    cart = Cart.from_json(await request.json())
    project = shopper.project
    if project.project_type != "store":
        raise Conflict(
            "This is a saas project: it sells subscriptions, not carts. Use POST /api/create-checkout.",
            code="wrong_project_type",
        )
    front = await store_front.read(context.db, project.publishable_key, project.platform_id, project.mode)
    if front.account is None:
        raise StripeNotConnected(project.mode)
    lines = lines_of(cart, front.products)
    account = connected_account(context, project.mode, front.account.account_id)
    home_url = front.origin or f"{context.settings.sign_up_url}/account?pk={project.publishable_key}"
    reserved = await _reserve(context, account, shopper, cart, lines, await _request_hash(request, shopper))
    await checkpoints.reached("cart-checkout:reserved")
    session = await _open_session(context, account, project, reserved, cart, home_url)
    await checkpoints.reached("cart-checkout:session-created")
    await _attach(context, account, project.publishable_key, reserved, session)
    await checkpoints.reached("cart-checkout:attached")
    return json_response(
        {
            "success": True,
            "url": session.url,
            "sessionId": session.id,
            "orderId": reserved.order_id,
            "expiresAt": reserved.expires_at,
        }
    )


async def _request_hash(request: Request, shopper: Shopper) -> str | None:
    """The same for every attempt of an idempotent request. None for a request without an Idempotency-Key."""
    key = key_of(request)
    if key is None:
        return None
    caller = f"{shopper.idempotency_scope}\n{shopper.user_id or ''}\n{key}\n".encode()
    return hashlib.sha256(caller + await request.body()).hexdigest()


async def _reserve(
    context: Context,
    account: StripeAccount,
    shopper: Shopper,
    cart: Cart,
    lines: Sequence[CartLine],
    request_hash: str | None,
) -> ReservedOrder:
    """A new order with its stock reserved, or the order of an earlier attempt of the same request.

    Raises Conflict (`insufficient_stock`), or KeyInUse while another attempt runs.
    """
    now = context.now_seconds()
    order = NewOrder(
        order_id=make_id("ord", os.urandom),
        publishable_key=shopper.project.publishable_key,
        user_id=shopper.user_id,
        email=cart.email or shopper.email,
        request_hash=request_hash,
        currency=lines[0].product.currency,
        amount_total=sum(line.amount for line in lines),
        expires_at=iso(int(now) + CHECKOUT_LIFE_SECONDS),
        items=tuple(_item(line) for line in lines),
    )
    if request_hash is not None and (earlier := await _reserved_before(context, account, shopper, request_hash)):
        return earlier
    try:
        await orders.begin(context.db, order, iso(now))
    except ConstraintFailed as error:
        if has_too_few(error.detail):
            raise await _shortage(context, shopper, cart) from None
        if orders.is_unfinished(error.detail):
            raise KeyInUse() from None
        raise
    return ReservedOrder.of_order(order)


async def _reserved_before(
    context: Context, account: StripeAccount, shopper: Shopper, request_hash: str
) -> ReservedOrder | None:
    """The open order of an earlier attempt. An order that can't be paid any more, or expires too soon, is closed instead."""
    publishable_key = shopper.project.publishable_key
    order = await orders.find_unfinished(context.db, publishable_key, request_hash)
    if order is None:
        return None
    if order.session_id is not None:
        await context.db.batch(await settle(context, account, order, order.session_id))
        still_open = await orders.find_unfinished(context.db, publishable_key, request_hash)
        return None if still_open is None else ReservedOrder.of_order(still_open)
    if seconds_of(order.expires_at) - context.now_seconds() >= SHORTEST_LIFE_SECONDS:
        return ReservedOrder.of_order(order)
    await context.db.batch(orders.abandon(publishable_key, order.id, context.now()))
    return None


async def _shortage(context: Context, shopper: Shopper, cart: Cart) -> ApiError:
    """The error that names the items with too few units, by the stock as it is now."""
    project = shopper.project
    front = await store_front.read(context.db, project.publishable_key, project.platform_id, project.mode)
    lines = lines_of(cart, front.products)
    # If the stock was released in the meantime, no item has too few units. Then all are named, and the buyer tries again.
    items = [line.to_shortage_json() for line in lines if line.is_short] or [line.to_shortage_json() for line in lines]
    named = ", ".join(f"{item['displayName']} ({item['available']} left)" for item in items)
    return Conflict(
        f"There are not enough of these in stock: {named}. Reduce the quantities.",
        error="Insufficient stock",
        code="insufficient_stock",
        items=items,
    )


async def _open_session(
    context: Context, account: StripeAccount, project: Project, reserved: ReservedOrder, cart: Cart, home_url: str
) -> CheckoutSession:
    """The order's session. A retry gets the same one. Releases the stock if Stripe refuses."""
    metadata = {"publishableKey": project.publishable_key, "orderId": reserved.order_id}
    if reserved.user_id is not None:
        metadata["userId"] = reserved.user_id
    try:
        if reserved.session_id is not None:
            return await account.retrieve_checkout(reserved.session_id)
        return await account.create_payment_checkout(
            [CheckoutLine(item.price_id, item.quantity) for item in reserved.items],
            customer_email=reserved.email,
            client_reference_id=reserved.order_id,
            success_url=cart.success_url or home_url,
            cancel_url=cart.cancel_url or home_url,
            expires_at_seconds=int(seconds_of(reserved.expires_at)),
            metadata=metadata,
            idempotency_key=reserved.order_id,
        )
    except ApiError as error:
        await context.db.batch(orders.abandon(project.publishable_key, reserved.order_id, context.now()))
        raise _refusal(error, project.mode) from error


def _refusal(error: ApiError, mode: Mode) -> ApiError:
    """The error for a refusal of Stripe that the caller or the developer can do something about; other errors stay as they are."""
    if isinstance(error, StripeRefused):
        if error.is_disconnected:
            return StripeNotConnected(mode, error.reason)
        if error.stripe_code in ("amount_too_small", "amount_too_large"):
            return amount_not_payable()
    return error


async def _attach(
    context: Context, account: StripeAccount, publishable_key: str, reserved: ReservedOrder, session: CheckoutSession
) -> None:
    """Stores the session with the order. If the order was abandoned meanwhile, its stock is released, so the session is expired."""
    if await orders.attach_session(context.db, publishable_key, reserved.order_id, session.id, context.now()):
        return
    await account.expire_checkout(session.id)
    raise Unavailable(reason="the order was abandoned before its session was stored", code="checkout_timed_out")


def _item(line: CartLine) -> OrderItem:
    product = line.product
    return OrderItem(
        tier=product.name,
        display_name=product.display_name,
        price_id=product.price_id or "",
        product_id=product.product_id,
        unit_amount=product.price,
        quantity=line.quantity,
    )
