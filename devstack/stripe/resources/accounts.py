"""Owns accounts: the platform's own and those that can connect to it. They belong to no mode."""

from devstack.stripe import errors
from devstack.stripe.books import Books
from devstack.stripe.ids import new_id
from devstack.stripe.jsontypes import Json
from devstack.stripe.parameters import NoParams
from devstack.stripe.routing import Route
from devstack.stripe.store import Store, Tenant

EVERYWHERE = Tenant("", False)


def build(store: Store, now: int, *, email: str, name: str, account_id: str | None = None, country: str = "US") -> Json:
    account: Json = {
        "id": account_id or new_id("account"),
        "object": "account",
        "business_profile": {
            "annual_revenue": None,
            "estimated_worker_count": None,
            "mcc": "5734",
            "minority_owned_business_designation": None,
            "name": name,
            "product_description": None,
            "support_address": None,
            "support_email": email,
            "support_phone": None,
            "support_url": None,
            "url": "https://example.com",
        },
        "business_type": "individual",
        "capabilities": {"card_payments": "active", "transfers": "active", "us_bank_account_ach_payments": "active"},
        "charges_enabled": True,
        "controller": {"type": "account"},
        "country": country,
        "created": now,
        "default_currency": "usd",
        "details_submitted": True,
        "email": email,
        "metadata": {},
        "payouts_enabled": True,
        "settings": {
            "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
            "card_payments": {
                "decline_on": {"avs_failure": False, "cvc_failure": True},
                "statement_descriptor_prefix": None,
                "statement_descriptor_prefix_kana": None,
                "statement_descriptor_prefix_kanji": None,
            },
            "dashboard": {"display_name": name, "timezone": "Etc/UTC"},
            "payments": {
                "statement_descriptor": name.upper()[:22],
                "statement_descriptor_kana": None,
                "statement_descriptor_kanji": None,
            },
        },
        "type": "standard",
    }
    store.insert(EVERYWHERE, "account", account)
    return account


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
    found = books.store.find(EVERYWHERE, "account", account_id)
    if found is None:
        raise errors.no_such("account", account_id, "account", status=404)
    return found


ROUTES = [
    Route("GET", "/v1/account", NoParams, retrieve_own),
    Route("GET", "/v1/accounts/{id}", NoParams, retrieve),
]
