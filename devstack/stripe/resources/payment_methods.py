"""The API of payment methods: retrieve, list, detach. Checkouts and the portal create them."""

from stripe.params import CustomerListPaymentMethodsParams, PaymentMethodDetachParams, PaymentMethodListParams

from devstack.stripe import customers, errors, lists
from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json
from devstack.stripe.parameters import NoParams
from devstack.stripe.routing import PAGING, Route


def retrieve(books: Books, params: Json, method_id: str) -> Json:
    return books.require("payment_method", method_id)


def list_(books: Books, params: Json) -> Json:
    rows = lists.matching(books.where("payment_method"), params, "customer", "type")
    return lists.page(books, rows, params, "/v1/payment_methods")


def detach(books: Books, params: Json, method_id: str) -> Json:
    method = books.require("payment_method", method_id)
    if method["customer"] is None:
        raise errors.invalid(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            "payment_method",
        )
    method = books.change(method, customer=None)
    books.emit("payment_method.detached", method)
    return method


def list_of_customer(books: Books, params: Json, customer_id: str) -> Json:
    customers.require_undeleted(books, customer_id)
    rows = lists.matching(books.where("payment_method", customer=customer_id), params, "type")
    return lists.page(books, rows, params, f"/v1/customers/{customer_id}/payment_methods")


ROUTES = [
    Route("GET", "/v1/payment_methods", PaymentMethodListParams, list_, f"customer type{PAGING}"),
    Route("GET", "/v1/payment_methods/{id}", NoParams, retrieve),
    Route("POST", "/v1/payment_methods/{id}/detach", PaymentMethodDetachParams, detach),
    Route(
        "GET",
        "/v1/customers/{id}/payment_methods",
        CustomerListPaymentMethodsParams,
        list_of_customer,
        f"type{PAGING}",
    ),
]
