"""The API of invoice payments: retrieve and list. Only they connect a payment intent to its invoice."""

from stripe.params import InvoicePaymentListParams

from devstack.stripe import lists
from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json
from devstack.stripe.parameters import NoParams
from devstack.stripe.routing import LISTING, Route

_LISTED = f"invoice payment.type payment.payment_intent status{LISTING}"


def retrieve(books: Books, params: Json, payment_id: str) -> Json:
    return books.require("invoice_payment", payment_id)


def list_(books: Books, params: Json) -> Json:
    rows = lists.matching(books.where("invoice_payment"), params, "invoice", "status")
    payment: Json | None = params.get("payment")
    if payment and "payment_intent" in payment:
        rows = [row for row in rows if row["_payment_intent"] == payment["payment_intent"]]
    return lists.page(books, rows, params, "/v1/invoice_payments")


ROUTES = [
    Route(
        "GET",
        "/v1/invoice_payments",
        InvoicePaymentListParams,
        list_,
        _LISTED,
    ),
    Route("GET", "/v1/invoice_payments/{id}", NoParams, retrieve),
]
