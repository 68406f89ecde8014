"""Owns prices: amounts never change once made, only `active`, names and lookup keys do."""

from decimal import Decimal
from typing import cast

from stripe.params import PriceCreateParams, PriceListParams, PriceUpdateParams

from devstack.stripe import errors, lists, money
from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json
from devstack.stripe.parameters import NoParams, merged_metadata, unset_as_none
from devstack.stripe.routing import Route

MAX_AMOUNT = 99_999_999
MAX_LOOKUP_KEYS = 10
_HANDLED = """
    active billing_scheme currency lookup_key metadata nickname product tax_behavior transfer_lookup_key
    unit_amount unit_amount_decimal
    recurring.interval recurring.interval_count recurring.trial_period_days recurring.usage_type
    product_data.id product_data.active product_data.metadata product_data.name product_data.statement_descriptor
    product_data.tax_code product_data.unit_label
"""
_CHANGED = "active lookup_key metadata nickname tax_behavior transfer_lookup_key"


def create(books: Books, params: Json) -> Json:
    if "product_data" in params:
        if "product" in params:
            raise errors.invalid("You may only specify one of these parameters: product, product_data.", "product")
        from devstack.stripe.resources import products

        product = products.build(books, params["product_data"])
        params = {**params, "product": product["id"]}
    if "product" not in params:
        raise errors.missing("product")
    books.require("product", params["product"], "product")
    return build(books, params)


def build(books: Books, params: Json, path: str = "") -> Json:
    def at(name: str) -> str:
        return f"{path}[{name}]" if path else name

    if params.get("billing_scheme", "per_unit") != "per_unit":
        raise errors.invalid(
            "This local stand-in knows only per-unit prices with a fixed amount.", at("billing_scheme")
        )
    currency = money.currency(params["currency"], at("currency"))
    amount, exact = _amount(params, at("unit_amount"))
    recurring = params.get("recurring")
    if recurring is not None:
        recurring = {
            "interval": recurring["interval"],
            "interval_count": recurring.get("interval_count", 1),
            "meter": None,
            "trial_period_days": recurring.get("trial_period_days"),
            "usage_type": recurring.get("usage_type", "licensed"),
        }
        if recurring["usage_type"] != "licensed":
            raise errors.invalid("This local stand-in knows only licensed usage.", at("recurring[usage_type]"))
    price: Json = {
        **books.stamp("price"),
        "active": params.get("active", True),
        "billing_scheme": "per_unit",
        "currency": currency,
        "custom_unit_amount": None,
        "lookup_key": None,
        "metadata": merged_metadata({}, params.get("metadata")),
        "nickname": params.get("nickname"),
        "product": params["product"],
        "recurring": recurring,
        "tax_behavior": params.get("tax_behavior", "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if recurring else "one_time",
        "unit_amount": amount,
        "unit_amount_decimal": exact,
    }
    if "lookup_key" in params:
        _claim_lookup_key(books, params["lookup_key"], bool(params.get("transfer_lookup_key")), price["id"])
        price["lookup_key"] = params["lookup_key"]
    return books.add(price, "price.created")


def retrieve(books: Books, params: Json, price_id: str) -> Json:
    return books.require("price", price_id)


def update(books: Books, params: Json, price_id: str) -> Json:
    price = books.require("price", price_id)
    changes: Json = {name: params[name] for name in ("active", "tax_behavior") if name in params}
    if "nickname" in params:
        changes["nickname"] = unset_as_none(params["nickname"])
    if "metadata" in params:
        changes["metadata"] = merged_metadata(price["metadata"], params["metadata"])
    if "lookup_key" in params:
        changes["lookup_key"] = unset_as_none(params["lookup_key"])
        if changes["lookup_key"]:
            _claim_lookup_key(books, changes["lookup_key"], bool(params.get("transfer_lookup_key")), price_id)
    if changes.get("active") is False:
        product = books.find("product", price["product"])
        if product and product["default_price"] == price_id:
            raise errors.invalid(
                "This price cannot be archived because it is the default price of its product.", "active"
            )
    price = books.change(price, "price.updated", **changes)
    _show_on_subscriptions(books, price)
    return price


def _show_on_subscriptions(books: Books, price: Json) -> None:
    """Subscription items carry the whole price, as it is now."""
    for subscription in books.where("subscription"):
        rows = subscription["items"]["data"]
        if any(row["price"]["id"] == price["id"] for row in rows):
            rows = [{**row, "price": price} if row["price"]["id"] == price["id"] else row for row in rows]
            books.change(subscription, items={**subscription["items"], "data": rows})


def list_(books: Books, params: Json) -> Json:
    rows = lists.matching(books.where("price"), params, "active", "currency", "product", "type")
    if "lookup_keys" in params:
        if len(params["lookup_keys"]) > MAX_LOOKUP_KEYS:
            raise errors.invalid(f"You may only specify up to {MAX_LOOKUP_KEYS} lookup keys.", "lookup_keys")
        rows = [row for row in rows if row["lookup_key"] in params["lookup_keys"]]
    if "recurring" in params:
        wanted = cast(Json, params["recurring"])
        rows = [r for r in rows if r["recurring"] and all(r["recurring"].get(k) == v for k, v in wanted.items())]
    return lists.page(books, rows, params, "/v1/prices")


def _amount(params: Json, param: str) -> tuple[int | None, str]:
    if "unit_amount" in params and "unit_amount_decimal" in params:
        raise errors.invalid("You may only specify one of these parameters: unit_amount, unit_amount_decimal.", param)
    if "unit_amount_decimal" in params:
        exact = cast(Decimal, params["unit_amount_decimal"])
        whole = int(exact) if exact == int(exact) else None
        if exact < 0:
            raise errors.invalid("Invalid non-negative integer", param)
        return whole, format(exact.normalize(), "f")
    if "unit_amount" not in params:
        raise errors.missing(param)
    amount = cast(int, params["unit_amount"])
    if amount < 0:
        raise errors.invalid("Invalid non-negative integer", param, "parameter_invalid_integer")
    if amount > MAX_AMOUNT:
        raise errors.invalid(f"Invalid integer: must be no more than {MAX_AMOUNT}", param, "amount_too_large")
    return amount, str(amount)


def _claim_lookup_key(books: Books, key: str, transfer: bool, price_id: str) -> None:
    for holder in books.where("price", lookup_key=key):
        if holder["id"] == price_id:
            continue
        if not transfer:
            raise errors.invalid(f"A price (`{holder['id']}`) already uses that lookup key.", "lookup_key")
        books.change(holder, "price.updated", lookup_key=None)


ROUTES = [
    Route("POST", "/v1/prices", PriceCreateParams, create, _HANDLED),
    Route("GET", "/v1/prices", PriceListParams, list_),
    Route("GET", "/v1/prices/{id}", NoParams, retrieve),
    Route(
        "POST",
        "/v1/prices/{id}",
        PriceUpdateParams,
        update,
        _CHANGED,
    ),
]
