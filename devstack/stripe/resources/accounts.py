"""The API of accounts: a caller retrieves its own account; the platform also retrieves connected accounts."""

from devstack.stripe import accounts, errors
from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json
from devstack.stripe.parameters import NoParams
from devstack.stripe.routing import Route


def retrieve_own(books: Books, params: Json) -> Json:
    return _account(books, books.tenant.account)


def retrieve(books: Books, params: Json, account_id: str) -> Json:
    connected = books.store.row("SELECT 1 FROM connections WHERE account = ?", account_id) is not None
    if account_id != books.tenant.account and (books.connected or not connected):
        raise errors.StripeFault(
            403,
            f"The provided key does not have access to account '{account_id}' (or that account does not exist)."
            " Application access may have been revoked.",
            code="account_invalid",
        )
    return _account(books, account_id)


def _account(books: Books, account_id: str) -> Json:
    found = books.store.find(accounts.EVERYWHERE, "account", account_id)
    if found is None:
        raise errors.no_such("account", account_id, "account", status=404)
    return found


ROUTES = [
    Route("GET", "/v1/account", NoParams, retrieve_own),
    Route("GET", "/v1/accounts/{id}", NoParams, retrieve),
]
