"""The API of customers: create, retrieve, list, update, delete."""

from stripe.params import CustomerCreateParams, CustomerListParams, CustomerUpdateParams

from devstack.stripe import customers, errors, lists
from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json
from devstack.stripe.parameters import NoParams, merged_metadata, unset_as_none
from devstack.stripe.routing import LISTING, Route
from devstack.stripe.subscriptions import cancellation, timer

_PLAIN = ("address", "description", "email", "name", "phone", "shipping", "tax_exempt", "preferred_locales", "balance")
_HANDLED = f"metadata {' '.join(_PLAIN)}"


def create(books: Books, params: Json) -> Json:
    fields = {name: unset_as_none(params[name]) for name in _PLAIN if name in params}
    _check_email(fields.get("email"))
    return customers.build(books, **fields, metadata=merged_metadata({}, params.get("metadata")))


def retrieve(books: Books, params: Json, customer_id: str) -> Json:
    return books.require("customer", customer_id)


def update(books: Books, params: Json, customer_id: str) -> Json:
    customer = customers.require_undeleted(books, customer_id)
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
    customer = customers.require_undeleted(books, customer_id)
    for subscription in books.where("subscription", customer=customer_id):
        if subscription["status"] not in timer.ENDED:
            cancellation.end(books, subscription, reason="cancellation_requested")
    gone = {"id": customer_id, "object": "customer", "deleted": True}
    books.emit("customer.deleted", customer)
    books.store.replace(books.tenant, {**gone, "_email": customer["email"], "created": customer["created"]})
    return gone


def list_(books: Books, params: Json) -> Json:
    rows = [row for row in books.where("customer") if not row.get("deleted")]
    return lists.page(books, lists.matching(rows, params, "email"), params, "/v1/customers")


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
