"""Creates products, for the products API, prices and checkout sessions."""

import re

from devstack.stripe import errors
from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json
from devstack.stripe.parameters import merged_metadata

PLAIN = (
    "active", "description", "images", "marketing_features", "name", "package_dimensions", "shippable",
    "statement_descriptor", "tax_code", "unit_label", "url",
)  # fmt: skip
_LISTS = ("images", "marketing_features")


def build(books: Books, params: Json) -> Json:
    product: Json = {
        **books.common_fields("product"),
        "active": True,
        "default_price": None,
        "description": None,
        "images": [],
        "marketing_features": [],
        "metadata": merged_metadata({}, params.get("metadata")),
        "name": "",
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "type": params.get("type", "service"),
        "unit_label": None,
        "updated": books.now,
        "url": None,
    }
    product.update({name: cleared(name, params[name]) for name in PLAIN if name in params})
    if "id" in params:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", params["id"]):
            raise errors.invalid("Invalid product id.", "id")
        if books.find("product", params["id"]):
            raise errors.invalid("Product already exists.", "id", "resource_already_exists")
        product["id"] = params["id"]
    return books.add(product, "product.created")


def cleared(name: str, value: object) -> object:
    """A field's new value. An empty string clears the field."""
    return ([] if name in _LISTS else None) if value == "" else value
