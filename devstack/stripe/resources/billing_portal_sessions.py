"""The API of billing portal sessions: a link to the portal for one customer, optionally to one flow."""

from typing import cast

from stripe.params.billing_portal import SessionCreateParams

from devstack.kit.ids import random_text
from devstack.stripe import customers, errors
from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json
from devstack.stripe.resources import billing_portal_configurations as configurations
from devstack.stripe.routing import Route
from devstack.stripe.subscriptions import timer
from devstack.stripe.subscriptions.items import items_of

LIFE_SECONDS = 3600
_FEATURE = {
    "subscription_cancel": "subscription_cancel",
    "subscription_update": "subscription_update",
    "subscription_update_confirm": "subscription_update",
    "payment_method_update": "payment_method_update",
}
_VERB = {"subscription_cancel": "canceled", "subscription_update": "updated"}
_HANDLED = """
    configuration customer locale return_url
    flow_data.type flow_data.after_completion
    flow_data.subscription_cancel.subscription flow_data.subscription_update.subscription
    flow_data.subscription_update_confirm.subscription flow_data.subscription_update_confirm.items.id
    flow_data.subscription_update_confirm.items.price flow_data.subscription_update_confirm.items.quantity
"""


def create(books: Books, params: Json) -> Json:
    if "customer" not in params:
        raise errors.missing("customer")
    customer = customers.require_undeleted(books, params["customer"], "customer")
    configuration = _configuration(books, params)
    flow = _flow(books, params["flow_data"], customer, configuration) if "flow_data" in params else None
    session: Json = books.common_fields("billing_portal.session")
    token = f"{'live' if books.livemode else 'test'}_{random_text(56)}"
    session |= {
        "configuration": configuration["id"],
        "customer": customer["id"],
        "customer_account": None,
        "flow": flow,
        "locale": params.get("locale"),
        "on_behalf_of": None,
        "return_url": params.get("return_url") or configuration["default_return_url"],
        "url": f"{books.config.public_url}/p/session/{token}",
        "_token": token,
    }
    return books.add(session, "billing_portal.session.created")


def _configuration(books: Books, params: Json) -> Json:
    if "configuration" in params:
        found = books.require("billing_portal.configuration", params["configuration"], "configuration")
        if not found["active"]:
            raise errors.invalid("The configuration you provided is not active.", "configuration")
        return found
    found = configurations.default(books)
    if found is None:
        mode, section = ("live", "") if books.livemode else ("test", "test/")
        raise errors.invalid(
            f"No configuration provided and your {mode} mode default configuration has not been created. Provide a"
            f" configuration or create your default by saving your customer portal settings in {mode} mode at"
            f" https://dashboard.stripe.com/{section}settings/billing/portal."
        )
    return found


def _flow(books: Books, data: Json, customer: Json, configuration: Json) -> Json:
    kind: str = data["type"]
    feature = _FEATURE.get(kind)
    if feature is None:
        raise errors.invalid(f"This local stand-in does not support the flow `{kind}`.", "flow_data[type]")
    flow: Json = {
        "after_completion": _after(data.get("after_completion") or {"type": "portal_homepage"}),
        "subscription_cancel": None,
        "subscription_update": None,
        "subscription_update_confirm": None,
        "type": kind,
    }
    enabled = configuration["features"][feature]["enabled"]
    if kind == "payment_method_update":
        if not enabled:
            raise errors.invalid(
                "The payment method update feature in the portal configuration is disabled.", "flow_data[type]"
            )
        return flow
    path = f"flow_data[{kind}]"
    if kind not in data:
        raise errors.missing(path)
    body = cast(Json, data[kind])
    if not enabled:
        verb = _VERB[feature]
        raise errors.invalid(
            f"This subscription cannot be {verb} because the subscription {feature.removeprefix('subscription_')} feature in the"
            " portal configuration is disabled.",
            f"{path}[subscription]",
        )
    subscription = books.require("subscription", body["subscription"], f"{path}[subscription]")
    if subscription["customer"] != customer["id"]:
        raise errors.invalid("The subscription does not belong to this customer.", f"{path}[subscription]")
    if subscription["status"] in timer.ENDED:
        raise errors.invalid("This subscription has already been canceled.", f"{path}[subscription]")
    if kind == "subscription_cancel" and (subscription["cancel_at_period_end"] or subscription["cancel_at"]):
        raise errors.invalid(
            "This subscription cannot be canceled because it is already set to be canceled.", f"{path}[subscription]"
        )
    if kind == "subscription_update_confirm":
        _check_confirm(body, subscription, configuration, path)
        body = {"discounts": None, **body}
    elif kind == "subscription_cancel":
        body = {"retention": None, **body}
    return {**flow, kind: body}


def _check_confirm(body: Json, subscription: Json, configuration: Json, path: str) -> None:
    allowed = {p for product in configuration["features"]["subscription_update"]["products"] for p in product["prices"]}
    known = {item["id"] for item in items_of(subscription)}
    items = cast(list[Json], body["items"])
    if len(items) != 1:
        raise errors.invalid("The portal can update only one subscription item.", f"{path}[items]")
    item = items[0]
    if item["id"] not in known:
        raise errors.invalid(f"No such subscription item: '{item['id']}'", f"{path}[items][0][id]", "resource_missing")
    if "price" in item and item["price"] not in allowed:
        raise errors.invalid(
            f"The price `{item['price']}` is not among the products of the portal configuration.",
            f"{path}[items][0][price]",
        )


def _after(raw: Json) -> Json:
    kind = raw["type"]
    if kind == "redirect" and "redirect" not in raw:
        raise errors.missing("flow_data[after_completion][redirect]")
    confirmation: Json | None = raw.get("hosted_confirmation") or ({} if kind == "hosted_confirmation" else None)
    return {
        "hosted_confirmation": None if confirmation is None else {"custom_message": confirmation.get("custom_message")},
        "redirect": raw.get("redirect"),
        "type": kind,
    }


ROUTES = [Route("POST", "/v1/billing_portal/sessions", SessionCreateParams, create, _HANDLED)]
