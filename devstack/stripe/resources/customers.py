"""Owns customers."""

from typing import Any

from stripe.params import CustomerCreateParams, CustomerListParams, CustomerUpdateParams

from devstack.stripe import billing, errors, lists
from devstack.stripe.books import Books
from devstack.stripe.ids import random_text
from devstack.stripe.jsontypes import Json
from devstack.stripe.parameters import NoParams, merged_metadata, unset_as_none
from devstack.stripe.routing import LISTING, Route

_PLAIN = ("address", "description", "email", "name", "phone", "shipping", "tax_exempt", "preferred_locales", "balance")
_HANDLED = f"metadata {' '.join(_PLAIN)}"


def build(books: Books, **fields: Any) -> Json:
    customer: Json = {
        **books.stamp("customer"),
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


def create(books: Books, params: Json) -> Json:
    fields = {name: unset_as_none(params[name]) for name in _PLAIN if name in params}
    _check_email(fields.get("email"))
    return build(books, **fields, metadata=merged_metadata({}, params.get("metadata")))


def retrieve(books: Books, params: Json, customer_id: str) -> Json:
    return books.require("customer", customer_id)


def update(books: Books, params: Json, customer_id: str) -> Json:
    customer = living(books, customer_id)
    changes = {name: unset_as_none(params[name]) for name in _PLAIN if name in params}
    _check_email(changes.get("email"))
    changes["metadata"] = merged_metadata(customer["metadata"], params.get("metadata"))
    settings: Json = params.get("invoice_settings") or {}
    if "default_payment_method" in settings:
        method = unset_as_none(settings["default_payment_method"])
        if method:
            books.require("payment_method", method, "invoice_settings[default_payment_method]")
        changes["invoice_settings"] = {**customer["invoice_settings"], "default_payment_method": method}
    return books.change(customer, "customer.updated", **changes)


def delete(books: Books, params: Json, customer_id: str) -> Json:
    customer = living(books, customer_id)
    for subscription in books.where("subscription", customer=customer_id):
        if subscription["status"] not in billing.ENDED:
            billing.end(books, subscription, reason="cancellation_requested")
    gone = {"id": customer_id, "object": "customer", "deleted": True}
    books.emit("customer.deleted", customer)
    books.store.replace(books.tenant, {**gone, "_email": customer["email"], "created": customer["created"]})
    return gone


def list_(books: Books, params: Json) -> Json:
    rows = [row for row in books.where("customer") if not row.get("deleted")]
    return lists.page(books, lists.matching(rows, params, "email"), params, "/v1/customers")


def living(books: Books, customer_id: str, param: str | None = None) -> Json:
    customer = books.require("customer", customer_id, param)
    if customer.get("deleted"):
        raise errors.no_such("customer", customer_id, param or "id", status=400 if param else 404)
    return customer


def payment_methods(books: Books, params: Json, customer_id: str) -> Json:
    living(books, customer_id)
    rows = lists.matching(books.where("payment_method", customer=customer_id), params, "type")
    return lists.page(books, rows, params, f"/v1/customers/{customer_id}/payment_methods")


def _check_email(email: str | None) -> None:
    if email and ("@" not in email or " " in email):
        raise errors.invalid(f"Invalid email address: {email}", "email", "email_invalid")


ROUTES = [
    Route("POST", "/v1/customers", CustomerCreateParams, create, _HANDLED),
    Route("GET", "/v1/customers", CustomerListParams, list_, f"email{LISTING}"),
    Route("GET", "/v1/customers/{id}", NoParams, retrieve),
    Route(
        "POST",
        "/v1/customers/{id}",
        CustomerUpdateParams,
        update,
        f"{_HANDLED} invoice_settings.default_payment_method",
    ),
    Route("DELETE", "/v1/customers/{id}", NoParams, delete),
]
