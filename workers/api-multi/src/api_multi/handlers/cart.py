"""`POST /api/cart/checkout`: reserve the stock, then let Stripe take the money.

The order and its stock are in D1 before Stripe hears of them, and the URL leaves only after D1 knows the session. So whoever can
pay has stock reserved, and what dies on the way is known to be payable by nobody.
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
from dream.db.stock import too_few
from dream.domain.cart import Cart, CartLine, amount_not_payable, lines_of
from dream.domain.keys import make_id
from dream.domain.orders import CHECKOUT_LIFE_SECONDS, SHORTEST_LIFE_SECONDS, Order, OrderItem
from dream.domain.stripe.checkout_session import CheckoutSession
from dream.domain.tiers import Tier
from dream.domain.timestamps import iso, seconds_of
from dream.errors import ApiError, Conflict, ConstraintFailed, Unavailable
from dream.http.idempotency import KeyInUse, key_of
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime import checkpoints
from dream.runtime.bindings import Row
from dream.runtime.context import Context
from dream.services.orders.settlement import settle


@dataclass(frozen=True, slots=True)
class Begun:
    """An order whose stock is reserved. Items are in the order in which Stripe gets them; a session is there only when an earlier
    try of the same request came that far.
    """

    order_id: str
    expires_at: str
    items: tuple[OrderItem, ...]
    user_id: str | None
    email: str | None
    session_id: str | None

    @classmethod
    def of_order(cls, order: Order | NewOrder) -> Begun:
        items = tuple(sorted(order.items, key=lambda item: item.tier))
        if isinstance(order, Order):
            return cls(order.id, order.expires_at, items, order.user_id, order.email, order.session_id)
        return cls(order.order_id, order.expires_at, items, order.user_id, order.email, None)


async def checkout(context: Context, request: Request, shopper: Shopper) -> Response:
    """A Checkout Session for the cart, with its stock reserved until the session ends."""
    cart = Cart.from_json(await request.json())
    project = shopper.project
    if project.project_type != "store":
        raise Conflict("Carts are for store projects; this one sells subscriptions.", code="wrong_project_type")
    front = await store_front.read(context.db, project.publishable_key, project.platform_id, project.mode)
    if front.account_id is None:
        raise _not_connected()
    lines = lines_of(cart, _products(front.tiers))
    account = connected_account(context, project.mode, front.account_id)
    home_url = (
        front.origins[0] if front.origins else f"{context.settings.sign_up_url}/account?pk={project.publishable_key}"
    )
    begun = await _begin(context, account, shopper, cart, lines, await _request_hash(request, shopper))
    await checkpoints.reached("cart-checkout:reserved")
    session = await _open_session(context, account, project.publishable_key, begun, cart, home_url)
    await checkpoints.reached("cart-checkout:session-created")
    await _attach(context, account, project.publishable_key, begun, session)
    await checkpoints.reached("cart-checkout:attached")
    return json_response(
        {
            "success": True,
            "url": session.url,
            "sessionId": session.id,
            "orderId": begun.order_id,
            "expiresAt": begun.expires_at,
        }
    )


def _products(rows: Sequence[Row]) -> list[Tier]:
    tiers = [Tier.from_row(row) for row in rows]
    return [tier for tier in tiers if tier.billing_mode == "one_off"]


async def _request_hash(request: Request, shopper: Shopper) -> str | None:
    """What a retry of an idempotent request has in common with it; None for one that carries no key."""
    key = key_of(request)
    if key is None:
        return None
    asked = f"{shopper.idempotency_scope}\n{shopper.user_id or ''}\n{key}\n".encode()
    return hashlib.sha256(asked + await request.body()).hexdigest()


async def _begin(
    context: Context,
    account: StripeAccount,
    shopper: Shopper,
    cart: Cart,
    lines: Sequence[CartLine],
    request_hash: str | None,
) -> Begun:
    """A new order with its stock, or the one that the same request began before it died."""
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
    if request_hash is not None and (begun := await _begun_before(context, account, shopper, request_hash)):
        return begun
    try:
        await orders.begin(context.db, order, iso(now))
    except ConstraintFailed as error:
        if too_few(error.detail):
            raise await _shortage(context, shopper, cart) from None
        if orders.is_unfinished(error.detail):
            raise KeyInUse() from None
        raise
    return Begun.of_order(order)


async def _begun_before(context: Context, account: StripeAccount, shopper: Shopper, request_hash: str) -> Begun | None:
    """What an earlier try of the request left open. One that can't be paid any more, or hardly, is closed and makes way."""
    publishable_key = shopper.project.publishable_key
    order = await orders.find_unfinished(context.db, publishable_key, request_hash)
    if order is None:
        return None
    if order.session_id is not None:
        effects = await settle(context, account, order, order.session_id)
        await context.db.batch(effects)
        still_open = await orders.find_unfinished(context.db, publishable_key, request_hash)
        return None if still_open is None else Begun.of_order(still_open)
    if seconds_of(order.expires_at) - context.now_seconds() >= SHORTEST_LIFE_SECONDS:
        return Begun.of_order(order)
    await context.db.batch(orders.abandon(publishable_key, order.id, context.now()))
    return None


async def _shortage(context: Context, shopper: Shopper, cart: Cart) -> ApiError:
    """Which items there are too few of, by the stock as it is now."""
    project = shopper.project
    front = await store_front.read(context.db, project.publishable_key, project.platform_id, project.mode)
    lines = lines_of(cart, _products(front.tiers))
    # Stock that came back in the meantime leaves nothing to name; the buyer may simply try again.
    items = [line.to_shortage_json() for line in lines if line.short] or [line.to_shortage_json() for line in lines]
    named = ", ".join(f"{item['displayName']} ({item['available']} left)" for item in items)
    return Conflict(
        f"There are not enough of these in stock: {named}.",
        error="Insufficient stock",
        code="insufficient_stock",
        items=items,
    )


async def _open_session(
    context: Context, account: StripeAccount, publishable_key: str, begun: Begun, cart: Cart, home_url: str
) -> CheckoutSession:
    """The session; asked for again under the same key it is the same one. Puts the stock back when Stripe makes none."""
    metadata = {"publishableKey": publishable_key, "orderId": begun.order_id}
    if begun.user_id is not None:
        metadata["userId"] = begun.user_id
    try:
        if begun.session_id is not None:
            return await account.retrieve_checkout(begun.session_id)
        return await account.create_payment_checkout(
            [CheckoutLine(item.price_id, item.quantity) for item in begun.items],
            customer_email=begun.email,
            client_reference_id=begun.order_id,
            success_url=cart.success_url or home_url,
            cancel_url=cart.cancel_url or home_url,
            expires_at_seconds=int(seconds_of(begun.expires_at)),
            metadata=metadata,
            idempotency_key=begun.order_id,
        )
    except ApiError as error:
        await context.db.batch(orders.abandon(publishable_key, begun.order_id, context.now()))
        raise _refusal(error) from error


def _refusal(error: ApiError) -> ApiError:
    """Stripe's refusals that the caller, or the developer, can do something about."""
    if isinstance(error, StripeRefused):
        if error.is_disconnected:
            return _not_connected()
        if error.stripe_code in ("amount_too_small", "amount_too_large"):
            return amount_not_payable()
    return error


async def _attach(
    context: Context, account: StripeAccount, publishable_key: str, begun: Begun, session: CheckoutSession
) -> None:
    """Make the session the order's. An order that was given up meanwhile has no stock to sell, so its session is closed."""
    if await orders.attach_session(context.db, publishable_key, begun.order_id, session.id, context.now()):
        return
    await account.expire_checkout(session.id)
    raise Unavailable(reason="the order was given up before its session came", code="checkout_timed_out")


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


def _not_connected() -> Conflict:
    return Conflict(
        "This project's developer has not connected a Stripe account.",
        error="Stripe not connected",
        code="stripe_not_connected",
    )
