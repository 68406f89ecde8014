"""The API of events: retrieve and list the events of one account and mode."""

from stripe.params import EventListParams

from devstack.stripe import errors, lists
from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json
from devstack.stripe.parameters import NoParams
from devstack.stripe.routing import LISTING, Route


def retrieve(books: Books, params: Json, event_id: str) -> Json:
    return books.require("event", event_id)


def list_(books: Books, params: Json) -> Json:
    if "type" in params and "types" in params:
        raise errors.invalid("You may only specify one of these parameters: type, types.", "type")
    rows = books.where("event")
    if "type" in params:
        wanted: str = params["type"]
        prefix = wanted.removesuffix("*")
        rows = [row for row in rows if row["type"] == wanted or (prefix != wanted and row["type"].startswith(prefix))]
    if "types" in params:
        rows = [row for row in rows if row["type"] in params["types"]]
    return lists.page(books, rows, params, "/v1/events")


ROUTES = [
    Route("GET", "/v1/events", EventListParams, list_, f"type types{LISTING}"),
    Route("GET", "/v1/events/{id}", NoParams, retrieve),
]
