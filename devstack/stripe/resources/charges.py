"""The API of charges: retrieve, list, update, and list the refunds of a charge."""

from stripe.params import ChargeListParams, ChargeListRefundsParams, ChargeUpdateParams

from devstack.stripe import lists
from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json
from devstack.stripe.parameters import NoParams, merged_metadata
from devstack.stripe.routing import LISTING, Route


def retrieve(books: Books, params: Json, charge_id: str) -> Json:
    return books.require("charge", charge_id)


def list_(books: Books, params: Json) -> Json:
    rows = lists.matching(books.where("charge"), params, "customer", "payment_intent")
    return lists.page(books, rows, params, "/v1/charges")


def update(books: Books, params: Json, charge_id: str) -> Json:
    charge = books.require("charge", charge_id)
    return books.change(charge, "charge.updated", metadata=merged_metadata(charge["metadata"], params.get("metadata")))


def refunds(books: Books, params: Json, charge_id: str) -> Json:
    books.require("charge", charge_id)
    return lists.page(books, books.where("refund", charge=charge_id), params, f"/v1/charges/{charge_id}/refunds")


ROUTES = [
    Route("GET", "/v1/charges", ChargeListParams, list_, f"customer payment_intent{LISTING}"),
    Route("GET", "/v1/charges/{id}", NoParams, retrieve),
    Route("POST", "/v1/charges/{id}", ChargeUpdateParams, update, "metadata"),
    Route("GET", "/v1/charges/{id}/refunds", ChargeListRefundsParams, refunds),
]
