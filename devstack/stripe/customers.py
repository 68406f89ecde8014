"""Creates customers, for the API and for a checkout."""

from typing import Any

from devstack.kit.ids import random_text
from devstack.stripe import errors
from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json


def build(books: Books, **fields: Any) -> Json:
    customer: Json = {
        **books.common_fields("customer"),
        "address": None,
        "balance": 0,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": random_text(8).upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }
    customer.update(fields)
    return books.add(customer, "customer.created")


def require_undeleted(books: Books, customer_id: str, param: str | None = None) -> Json:
    """A customer that is not deleted. Raises StripeFault as `Books.require` does."""
    customer = books.require("customer", customer_id, param)
    if customer.get("deleted"):
        raise errors.no_such("customer", customer_id, param or "id", status=400 if param else 404)
    return customer
