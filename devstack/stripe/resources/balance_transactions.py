"""The API of balance transactions: retrieve and list."""

from stripe.params import BalanceTransactionListParams

from devstack.stripe import lists
from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json
from devstack.stripe.parameters import NoParams
from devstack.stripe.routing import PAGING, Route


def retrieve(books: Books, params: Json, line_id: str) -> Json:
    return books.require("balance_transaction", line_id)


def list_(books: Books, params: Json) -> Json:
    rows = lists.matching(books.where("balance_transaction"), params, "type", "source", "currency")
    return lists.page(books, rows, params, "/v1/balance_transactions")


ROUTES = [
    Route(
        "GET", "/v1/balance_transactions", BalanceTransactionListParams, list_, f"created currency source type{PAGING}"
    ),
    Route("GET", "/v1/balance_transactions/{id}", NoParams, retrieve),
]
