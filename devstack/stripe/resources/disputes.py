"""The API of disputes: retrieve, list, and close, by which a seller accepts the dispute."""

from stripe.params import DisputeCloseParams, DisputeListParams

from devstack.stripe import disputes, lists
from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json
from devstack.stripe.parameters import NoParams
from devstack.stripe.routing import Route


def close(books: Books, params: Json, dispute_id: str) -> Json:
    return disputes.close(books, books.require("dispute", dispute_id), "lost")


def retrieve(books: Books, params: Json, dispute_id: str) -> Json:
    return books.require("dispute", dispute_id)


def list_(books: Books, params: Json) -> Json:
    rows = lists.matching(books.where("dispute"), params, "charge", "payment_intent")
    return lists.page(books, rows, params, "/v1/disputes")


ROUTES = [
    Route("GET", "/v1/disputes", DisputeListParams, list_),
    Route("GET", "/v1/disputes/{id}", NoParams, retrieve),
    Route("POST", "/v1/disputes/{id}/close", DisputeCloseParams, close),
]
