"""The API of prices: create, retrieve, list, update. The amount of a price never changes."""

from typing import cast

from stripe.params import PriceCreateParams, PriceListParams, PriceUpdateParams

from devstack.stripe import errors, lists, prices, products
from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json
from devstack.stripe.parameters import NoParams, merged_metadata, unset_as_none
from devstack.stripe.routing import Route

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
        product = products.build(books, params["product_data"])
        params = {**params, "product": product["id"]}
    if "product" not in params:
        raise errors.missing("product")
    books.require("product", params["product"], "product")
    return prices.build(books, params)


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
            prices.claim_lookup_key(books, changes["lookup_key"], bool(params.get("transfer_lookup_key")), price_id)
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
    """Updates the copy of the price in subscription items."""
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
