"""The API of billing portal configurations: what customers may do in the portal.

The API cannot create a default configuration; only the dashboard can, here a control.
"""

from typing import Any, cast

from stripe.params.billing_portal import (
    ConfigurationCreateParams,
    ConfigurationListParams,
    ConfigurationUpdateParams,
)

from devstack.stripe import errors, lists
from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json
from devstack.stripe.parameters import NoParams, merged_metadata, unset_as_none
from devstack.stripe.routing import Route

_REASONS = ["too_expensive", "missing_features", "switched_service", "unused", "other"]
_HANDLED = """
    business_profile default_return_url metadata name
    features.customer_update features.invoice_history features.payment_method_update.enabled
    features.subscription_cancel.enabled features.subscription_cancel.mode features.subscription_cancel.cancellation_reason
    features.subscription_update.enabled features.subscription_update.default_allowed_updates
    features.subscription_update.products.product features.subscription_update.products.prices
    features.subscription_update.proration_behavior
"""


def _defaults() -> Json:
    return {
        "customer_update": {"allowed_updates": [], "enabled": False},
        "invoice_history": {"enabled": False},
        "payment_method_update": {"enabled": False, "payment_method_configuration": None},
        "subscription_cancel": {
            "cancellation_reason": {"enabled": False, "options": _REASONS},
            "enabled": False,
            "mode": "at_period_end",
            "proration_behavior": "none",
        },
        "subscription_pause": {"duration": {"interval_options": [], "type": "indefinite"}, "enabled": False},
        "subscription_update": {
            "billing_cycle_anchor": None,
            "default_allowed_updates": [],
            "enabled": False,
            "products": [],
            "proration_behavior": "none",
            "schedule_at_period_end": {"conditions": []},
            "trial_update_behavior": "end_trial",
        },
    }


def create(books: Books, params: Json) -> Json:
    return build(books, params, is_default=False)


def build(books: Books, params: Json, *, is_default: bool) -> Json:
    profile: Json = params.get("business_profile") or {}
    configuration: Json = {
        **books.common_fields("billing_portal.configuration"),
        "active": True,
        "application": books.application,
        "business_profile": {
            "headline": profile.get("headline"),
            "privacy_policy_url": profile.get("privacy_policy_url"),
            "terms_of_service_url": profile.get("terms_of_service_url"),
        },
        "default_return_url": unset_as_none(params.get("default_return_url")),
        "features": _features(books, _defaults(), params["features"]),
        "is_default": is_default,
        "login_page": {"enabled": False, "url": None},
        "metadata": merged_metadata({}, params.get("metadata")),
        "name": params.get("name"),
        "updated": books.now,
    }
    return books.add(configuration, "billing_portal.configuration.created")


def retrieve(books: Books, params: Json, configuration_id: str) -> Json:
    return books.require("billing_portal.configuration", configuration_id)


def update(books: Books, params: Json, configuration_id: str) -> Json:
    configuration = books.require("billing_portal.configuration", configuration_id)
    changes: Json = {"updated": books.now}
    if "active" in params:
        if configuration["is_default"] and not params["active"]:
            raise errors.invalid("You cannot deactivate the default configuration.", "active")
        changes["active"] = params["active"]
    if "business_profile" in params:
        profile = {name: unset_as_none(value) for name, value in params["business_profile"].items()}
        changes["business_profile"] = {**configuration["business_profile"], **profile}
    if "name" in params:
        changes["name"] = unset_as_none(params["name"])
    if "default_return_url" in params:
        changes["default_return_url"] = unset_as_none(params["default_return_url"])
    if "features" in params:
        changes["features"] = _features(books, configuration["features"], params["features"])
    if "metadata" in params:
        changes["metadata"] = merged_metadata(configuration["metadata"], params["metadata"])
    return books.change(configuration, "billing_portal.configuration.updated", **changes)


def list_(books: Books, params: Json) -> Json:
    rows = lists.matching(books.where("billing_portal.configuration"), params, "active", "is_default")
    return lists.page(books, rows, params, "/v1/billing_portal/configurations")


def default(books: Books) -> Json | None:
    rows = books.where("billing_portal.configuration", is_default=True)
    return rows[0] if rows else None


def make_default(books: Books) -> Json:
    """Creates the default configuration, as saving the portal settings in the dashboard does. Plans cannot be switched."""
    features = {
        "customer_update": {"allowed_updates": ["email"], "enabled": True},
        "invoice_history": {"enabled": True},
        "payment_method_update": {"enabled": True},
        "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
    }
    return default(books) or build(books, {"features": features}, is_default=True)


def _features(books: Books, before: Json, change: Json) -> Json:
    after: Json = {name: {**value} for name, value in before.items()}
    for name, value in change.items():
        fields = {key: unset_as_none(field) for key, field in cast(Json, value).items()}
        after[name] = {**after[name], **fields}
    switching = after["subscription_update"]
    switching["default_allowed_updates"] = switching["default_allowed_updates"] or []
    switching["products"] = _products(books, switching["products"] or [])
    if switching["enabled"] and not (switching["products"] and switching["default_allowed_updates"]):
        name = "products" if switching["default_allowed_updates"] else "default_allowed_updates"
        raise errors.missing(f"features[subscription_update][{name}]")
    return after


def _products(books: Books, raw: list[Json]) -> list[Json]:
    products: list[Json] = []
    for index, entry in enumerate(raw):
        path = f"features[subscription_update][products][{index}]"
        books.require("product", entry["product"], f"{path}[product]")
        for at, price_id in enumerate(cast(list[Any], entry["prices"])):
            price = books.require("price", price_id, f"{path}[prices][{at}]")
            if price["product"] != entry["product"]:
                raise errors.invalid(
                    f"The price `{price_id}` does not belong to `{entry['product']}`.", f"{path}[prices][{at}]"
                )
        quantity = {"enabled": False, "maximum": None, "minimum": 1}
        products.append({"adjustable_quantity": quantity, **entry})
    return products


ROUTES = [
    Route("POST", "/v1/billing_portal/configurations", ConfigurationCreateParams, create, _HANDLED),
    Route("GET", "/v1/billing_portal/configurations", ConfigurationListParams, list_),
    Route("GET", "/v1/billing_portal/configurations/{id}", NoParams, retrieve),
    Route("POST", "/v1/billing_portal/configurations/{id}", ConfigurationUpdateParams, update, f"active {_HANDLED}"),
]
