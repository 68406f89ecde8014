"""Guarantee: a cart names products of its store, each line once, or is refused with every bad field."""

from __future__ import annotations

from typing import Any

import pytest

from dream.domain.cart import MAXIMUM_LINES, Cart, lines_of
from dream.domain.tiers import Tier
from dream.errors import InvalidFields, Unprocessable


def product(
    name: str, *, price: int = 100, currency: str = "usd", price_id: str | None = "", inventory: int | None = None
) -> Tier:
    return Tier(
        name=name,
        display_name=name.title(),
        description="",
        price=price,
        currency=currency,
        limit=None,
        billing_mode="one_off",
        price_id=f"price_{name}" if price_id == "" else price_id,
        product_id=f"prod_{name}",
        features=(),
        popular=False,
        trial_days=0,
        image_url=None,
        inventory=inventory,
    )


MUG, POSTER = product("mug", price=1200), product("poster", price=1800, inventory=1)


def cart(*items: dict[str, Any]) -> Cart:
    return Cart.from_json({"items": list(items)})


def test_lines_of_one_product_are_added_up_whatever_names_it() -> None:
    asked = cart(
        {"priceId": "price_mug", "quantity": 1},
        {"productId": "prod_mug", "quantity": 2},
        {"tier": " MUG ", "quantity": 99},
        {"tier": "mug", "priceId": "price_mug", "productId": "prod_mug", "quantity": 1},
    )
    [line] = lines_of(asked, [POSTER, MUG])
    assert (line.product, line.quantity, line.amount) == (MUG, 103, 103 * 1200)


def test_every_item_that_names_nothing_is_told() -> None:
    asked = cart(
        {"tier": "mug", "quantity": 1}, {"tier": "cup", "quantity": 1}, {"tier": "mug", "priceId": "x", "quantity": 1}
    )
    with pytest.raises(InvalidFields) as refused:
        lines_of(asked, [MUG])
    assert set(refused.value.extra["fields"]) == {"items[1]", "items[2]"}


def test_one_cart_has_one_currency() -> None:
    asked = cart({"tier": "mug", "quantity": 1}, {"tier": "tasse", "quantity": 1})
    with pytest.raises(InvalidFields):
        lines_of(asked, [MUG, product("tasse", currency="eur")])


def test_what_no_payment_can_carry_is_refused_before_anything_is_reserved() -> None:
    with pytest.raises(Unprocessable, match="amount_not_payable"):
        lines_of(cart({"tier": "yacht", "quantity": 99}), [product("yacht", price=90_000_000)])
    with pytest.raises(Unprocessable, match="product_not_for_sale"):
        lines_of(cart({"tier": "gift", "quantity": 1}), [product("gift", price_id=None)])


def test_a_line_is_short_by_the_stock_that_is_counted_only() -> None:
    lines = lines_of(cart({"tier": "mug", "quantity": 50}, {"tier": "poster", "quantity": 2}), [MUG, POSTER])
    assert [line.is_short for line in lines] == [False, True]
    assert lines[1].to_shortage_json()["requested"] == 2
    assert lines[1].to_shortage_json()["available"] == 1


@pytest.mark.parametrize("items", [None, {}, "mug", [], [{"tier": "mug", "quantity": 1}] * (MAXIMUM_LINES + 1)])
def test_items_are_a_list_of_bounded_length(items: object) -> None:
    with pytest.raises(InvalidFields) as refused:
        Cart.from_json({"items": items})
    assert set(refused.value.extra["fields"]) == {"items"}


@pytest.mark.parametrize(
    "email", ["", "a", "a@", "@b.c", "a@b", "a b@c.d", "a@b..c", "a@b.c\n", "a\0@b.cd", 5, "x" * 250 + "@b.cd"]
)
def test_what_is_no_email_is_refused(email: object) -> None:
    with pytest.raises(InvalidFields) as refused:
        Cart.from_json({"items": [{"tier": "mug", "quantity": 1}], "email": email})
    assert set(refused.value.extra["fields"]) == {"email"}
