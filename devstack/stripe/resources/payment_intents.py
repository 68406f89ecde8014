"""The API of payment intents: retrieve, list, update. Checkouts and invoices create them."""

from stripe.params import PaymentIntentListParams, PaymentIntentUpdateParams

from devstack.stripe import lists
from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json
from devstack.stripe.parameters import NoParams, merged_metadata, unset_as_none
from devstack.stripe.routing import LISTING, Route


def retrieve(books: Books, params: Json, intent_id: str) -> Json:
    return books.require("payment_intent", intent_id)


def list_(books: Books, params: Json) -> Json:
    rows = lists.matching(books.where("payment_intent"), params, "customer")
    return lists.page(books, rows, params, "/v1/payment_intents")


def update(books: Books, params: Json, intent_id: str) -> Json:
    intent = books.require("payment_intent", intent_id)
    changes: Json = {"metadata": merged_metadata(intent["metadata"], params.get("metadata"))}
    if "description" in params:
        changes["description"] = unset_as_none(params["description"])
    return books.change(intent, **changes)


ROUTES = [
    Route("GET", "/v1/payment_intents", PaymentIntentListParams, list_, f"customer{LISTING}"),
    Route("GET", "/v1/payment_intents/{id}", NoParams, retrieve),
    Route("POST", "/v1/payment_intents/{id}", PaymentIntentUpdateParams, update, "description metadata"),
]
