"""The API of products: create, retrieve, list, update, delete."""

from stripe.params import ProductCreateParams, ProductListParams, ProductUpdateParams

from devstack.stripe import errors, lists, prices, products
from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json
from devstack.stripe.parameters import NoParams, merged_metadata
from devstack.stripe.routing import LISTING, Route

_HANDLED = f"metadata {' '.join(products.PLAIN)}"
_DEFAULT_PRICE = """
    default_price_data.currency default_price_data.metadata default_price_data.tax_behavior
    default_price_data.unit_amount default_price_data.unit_amount_decimal
    default_price_data.recurring.interval default_price_data.recurring.interval_count
"""


def create(books: Books, params: Json) -> Json:
    product = products.build(books, params)
    if "default_price_data" in params:
        price = prices.build(books, {**params["default_price_data"], "product": product["id"]}, "default_price_data")
        product = books.change(product, "product.updated", default_price=price["id"])
    return product


def retrieve(books: Books, params: Json, product_id: str) -> Json:
    return books.require("product", product_id)


def update(books: Books, params: Json, product_id: str) -> Json:
    product = books.require("product", product_id)
    changes = {name: products.cleared(name, params[name]) for name in products.PLAIN if name in params}
    if "metadata" in params:
        changes["metadata"] = merged_metadata(product["metadata"], params["metadata"])
    if "default_price" in params:
        price = books.require("price", params["default_price"], "default_price")
        if price["product"] != product_id:
            raise errors.invalid(f"The price `{price['id']}` does not belong to this product.", "default_price")
        changes["default_price"] = price["id"]
    if all(product[name] == value for name, value in changes.items()):
        return product
    return books.change(product, "product.updated", **changes, updated=books.now)


def delete(books: Books, params: Json, product_id: str) -> Json:
    product = books.require("product", product_id)
    if books.where("price", product=product_id):
        raise errors.invalid("This product cannot be deleted because it has one or more user-created prices.")
    books.store.run(
        "DELETE FROM objects WHERE account = ? AND livemode = ? AND id = ?",
        books.tenant.account, books.livemode, product_id,
    )  # fmt: skip
    books.emit("product.deleted", product)
    return {"id": product_id, "object": "product", "deleted": True}


def list_(books: Books, params: Json) -> Json:
    rows = lists.matching(books.where("product"), params, "active", "shippable", "url")
    if "ids" in params:
        rows = [row for row in rows if row["id"] in params["ids"]]
    return lists.page(books, rows, params, "/v1/products")


ROUTES = [
    Route("POST", "/v1/products", ProductCreateParams, create, f"{_HANDLED} {_DEFAULT_PRICE} id type"),
    Route("GET", "/v1/products", ProductListParams, list_, f"active ids shippable url{LISTING}"),
    Route("GET", "/v1/products/{id}", NoParams, retrieve),
    Route("POST", "/v1/products/{id}", ProductUpdateParams, update, f"{_HANDLED} default_price"),
    Route("DELETE", "/v1/products/{id}", NoParams, delete),
]
