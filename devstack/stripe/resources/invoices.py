"""The API of invoices: retrieve, list, lines, pay, void."""

from stripe.params import InvoiceListLinesParams, InvoiceListParams, InvoicePayParams, InvoiceVoidInvoiceParams

from devstack.stripe import errors, lists
from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json
from devstack.stripe.parameters import NoParams
from devstack.stripe.routing import LISTING, Route
from devstack.stripe.subscriptions import collection


def retrieve(books: Books, params: Json, invoice_id: str) -> Json:
    return books.require("invoice", invoice_id)


def list_(books: Books, params: Json) -> Json:
    rows = lists.matching(books.where("invoice"), params, "customer", "status", "collection_method")
    if "subscription" in params:
        rows = [row for row in rows if row["_subscription"] == params["subscription"]]
    return lists.page(books, rows, params, "/v1/invoices")


def lines(books: Books, params: Json, invoice_id: str) -> Json:
    invoice = books.require("invoice", invoice_id)
    return lists.page(books, invoice["lines"]["data"], params, invoice["lines"]["url"])


def pay(books: Books, params: Json, invoice_id: str) -> Json:
    invoice = books.require("invoice", invoice_id)
    if invoice["status"] == "paid":
        raise errors.invalid("Invoice is already paid", code="invoice_already_paid")
    if invoice["status"] == "draft":
        collection.finalize_and_collect(books, invoice_id)
        return books.get("invoice", invoice_id)
    if invoice["status"] != "open":
        raise errors.invalid("This invoice can no longer be paid.", code="invoice_not_editable")
    method = (
        books.require("payment_method", params["payment_method"], "payment_method")
        if "payment_method" in params
        else None
    )
    subscription = books.get("subscription", invoice["_subscription"])
    return collection.collect(books, subscription, invoice, method)[1]


def void(books: Books, params: Json, invoice_id: str) -> Json:
    invoice = books.require("invoice", invoice_id)
    if invoice["status"] not in ("open", "uncollectible"):
        raise errors.invalid(f"You can only void open or uncollectible invoices. This invoice is {invoice['status']}.")
    books.unschedule("invoice.retry", invoice_id)
    transitions = {**invoice["status_transitions"], "voided_at": books.now}
    invoice = books.change(
        invoice,
        "invoice.updated",
        status="void",
        status_transitions=transitions,
        auto_advance=False,
        next_payment_attempt=None,
    )
    books.emit("invoice.voided", invoice)
    return invoice


ROUTES = [
    Route("GET", "/v1/invoices", InvoiceListParams, list_, f"collection_method customer status subscription{LISTING}"),
    Route("GET", "/v1/invoices/{id}", NoParams, retrieve),
    Route("GET", "/v1/invoices/{id}/lines", InvoiceListLinesParams, lines),
    Route("POST", "/v1/invoices/{id}/pay", InvoicePayParams, pay, "off_session payment_method"),
    Route("POST", "/v1/invoices/{id}/void", InvoiceVoidInvoiceParams, void),
]
