"""Owns accounts: the platform's own, and those that can connect to it. An account is the same in test and live mode."""

from devstack.stripe.ids import new_id
from devstack.stripe.jsontypes import Json
from devstack.stripe.store import StripeStore, Tenant

# Accounts are stored under this tenant, because they belong to neither mode.
EVERYWHERE = Tenant("", False)


def build(
    store: StripeStore, now: int, *, email: str, name: str, account_id: str | None = None, country: str = "US"
) -> Json:
    """Creates and stores an account that can take charges at once. `now` is in seconds since 1970."""
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
