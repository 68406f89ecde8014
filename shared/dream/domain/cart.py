"""Carts: the items that a request names, and the products and amounts that they stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from dream.domain.emails import is_email
from dream.domain.return_urls import return_url_problem
from dream.domain.tiers import Tier, find_tier
from dream.errors import ApiError, InvalidFields, Unprocessable

MAXIMUM_LINES = 50
MAXIMUM_QUANTITY = 99
MAXIMUM_AMOUNT = 99_999_999
"""The largest payment at Stripe, in minor units: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts"""

_NAMES = ("priceId", "productId", "tier")


@dataclass(frozen=True, slots=True)
class CartItem:
    """One item of the request. It names its product by price, product or tier. Several names must name the same one."""

    quantity: int
    price_id: str | None
    product_id: str | None
    tier: str | None

    def names(self, product: Tier) -> bool:
        """Whether every name in the item is one of this product."""
        return (
            (self.price_id is None or self.price_id == product.price_id)
            and (self.product_id is None or self.product_id == product.product_id)
            and (self.tier is None or find_tier((product,), self.tier) is product)
        )


@dataclass(frozen=True, slots=True)
class Cart:
    """The body of `POST /api/cart/checkout`."""

    items: tuple[CartItem, ...]
    email: str | None
    success_url: str | None
    cancel_url: str | None

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Cart:
        """Raises InvalidFields."""
        fields: dict[str, str] = {}
        items = _items(body.get("items"), fields)
        email = body.get("email")
        if email is not None and not is_email(email):
            fields["email"] = "an email address"
        for name in ("successUrl", "cancelUrl"):
            if body.get(name) is not None and (problem := return_url_problem(body[name])):
                fields[name] = problem
        if fields:
            raise InvalidFields(fields)
        return cls(items, email, body.get("successUrl"), body.get("cancelUrl"))


@dataclass(frozen=True, slots=True)
class CartLine:
    """One product and its quantity."""

    product: Tier
    quantity: int

    @property
    def amount(self) -> int:
        """Price times quantity, in minor units of the product's currency."""
        return self.product.price * self.quantity

    @property
    def is_short(self) -> bool:
        """Whether the inventory has fewer units than the quantity."""
        return self.product.inventory is not None and self.product.inventory < self.quantity

    def to_shortage_json(self) -> dict[str, Any]:
        """As the error `insufficient_stock` shows the line."""
        product = self.product
        return {
            "tier": product.name,
            "displayName": product.display_name,
            "priceId": product.price_id,
            "productId": product.product_id,
            "requested": self.quantity,
            "available": product.inventory,
        }


def lines_of(cart: Cart, products: Sequence[Tier]) -> tuple[CartLine, ...]:
    """The products of the cart, each once; the quantities of its items are added up.

    Raises InvalidFields for items that name no product, or products of different currencies. Raises Unprocessable for a product
    without a price at Stripe, and for an amount that one payment can't have.
    """
    fields: dict[str, str] = {}
    quantities: dict[str, int] = {}
    by_name = {product.name: product for product in products}
    for index, item in enumerate(cart.items):
        product = _product_of(item, products)
        if product is None:
            fields[f"items[{index}]"] = "a product of this store"
        else:
            quantities[product.name] = quantities.get(product.name, 0) + item.quantity
    lines = tuple(CartLine(by_name[name], quantity) for name, quantity in quantities.items())
    if len({line.product.currency for line in lines}) > 1:
        fields["items"] = "products of one currency only"
    if fields:
        raise InvalidFields(fields)
    _require_payable(lines)
    return lines


def _product_of(item: CartItem, products: Sequence[Tier]) -> Tier | None:
    if item.tier is not None:
        named = find_tier(products, item.tier)
        return named if named is not None and item.names(named) else None
    return next((product for product in products if item.names(product)), None)


def _require_payable(lines: Sequence[CartLine]) -> None:
    unpriced = [line.product.name for line in lines if line.product.price_id is None]
    if unpriced:
        raise Unprocessable(
            f"These products have no price at Stripe yet: {', '.join(unpriced)}. Remove them from the cart.",
            code="product_not_for_sale",
        )
    if sum(line.amount for line in lines) > MAXIMUM_AMOUNT:
        raise amount_not_payable()


def amount_not_payable() -> ApiError:
    """422: the amount is larger or smaller than Stripe allows for one payment."""
    return Unprocessable(
        "The total of the cart is too large or too small for one payment. Change the quantities.",
        code="amount_not_payable",
    )


def _items(value: object, fields: dict[str, str]) -> tuple[CartItem, ...]:
    if not isinstance(value, list) or not 0 < len(cast("list[object]", value)) <= MAXIMUM_LINES:
        fields["items"] = f"a list of 1 to {MAXIMUM_LINES} items"
        return ()
    items: list[CartItem] = []
    for index, entry in enumerate(cast("list[object]", value)):
        if not isinstance(entry, dict):
            fields[f"items[{index}]"] = "an object with a quantity and one of priceId, productId, tier"
            continue
        item = _item(cast("dict[str, object]", entry), f"items[{index}]", fields)
        if item is not None:
            items.append(item)
    return tuple(items)


def _item(entry: Mapping[str, object], path: str, fields: dict[str, str]) -> CartItem | None:
    quantity = entry.get("quantity")
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 1 <= quantity <= MAXIMUM_QUANTITY:
        fields[f"{path}.quantity"] = f"a whole number from 1 to {MAXIMUM_QUANTITY}"
        return None
    names: dict[str, str | None] = {}
    for name in _NAMES:
        given = entry.get(name)
        if given is not None and not (isinstance(given, str) and 0 < len(given.strip()) <= 255):
            fields[f"{path}.{name}"] = "a non-empty string"
            return None
        names[name] = given
    if not any(names.values()):
        fields[path] = "one of priceId, productId, tier"
        return None
    return CartItem(quantity, names["priceId"], names["productId"], names["tier"])
