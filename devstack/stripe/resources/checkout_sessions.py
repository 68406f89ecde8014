"""The API of checkout sessions: create, retrieve, list, update, expire, line items. `checkout` completes them."""

import re
from typing import Any, cast

from stripe.params.checkout import (
    SessionCreateParams,
    SessionExpireParams,
    SessionListLineItemsParams,
    SessionListParams,
    SessionUpdateParams,
)

from devstack.stripe import checkout, customers, errors, lists, money, prices, products
from devstack.stripe.books import Books
from devstack.stripe.ids import new_checkout_session_id, new_id
from devstack.stripe.jsontypes import Json, section
from devstack.stripe.parameters import NoParams, merged_metadata
from devstack.stripe.periods import DAY
from devstack.stripe.routing import LISTING, Route

MIN_LIFE_SECONDS, MAX_LIFE_SECONDS = 30 * 60, DAY
MAX_LINE_ITEMS = 100
METHODS = ("card", "us_bank_account")
_URL = re.compile(r"^https?://[^\s/?#]+\S*$")
_HANDLED = """
    allowed_payment_method_types cancel_url client_reference_id customer customer_creation customer_email
    excluded_payment_method_types expires_at integration_identifier locale metadata mode payment_method_collection
    submit_type success_url ui_mode line_items.price line_items.quantity
    line_items.price_data.currency line_items.price_data.product line_items.price_data.tax_behavior
    line_items.price_data.unit_amount line_items.price_data.unit_amount_decimal
    line_items.price_data.recurring.interval line_items.price_data.recurring.interval_count
    line_items.price_data.product_data.name line_items.price_data.product_data.description
    line_items.price_data.product_data.images line_items.price_data.product_data.metadata
    payment_intent_data.description payment_intent_data.metadata payment_intent_data.receipt_email
    subscription_data.description subscription_data.metadata subscription_data.trial_end
    subscription_data.trial_period_days subscription_data.trial_settings
"""
_LISTED = f"customer customer_details payment_intent status subscription{LISTING}"


def create(books: Books, params: Json) -> Json:
    mode = _mode(params)
    _check_urls(params)
    _check_mode_params(params, mode)
    customer = _customer(books, params)
    lines = _lines(books, params, mode)
    currency = lines[0]["currency"]
    total = sum(line["amount_total"] for line in lines)
    subscription_data: Json = params.get("subscription_data") or {}
    trial_end = _trial_end(books, subscription_data)
    due = sum(line["amount_total"] for line in lines if not (trial_end and line["price"]["type"] == "recurring"))
    if mode == "payment" and 0 < total < money.minimum(currency):
        least = money.formatted(money.minimum(currency), currency)
        raise errors.invalid(
            f"The Checkout Session's total amount must convert to at least {least}.", "line_items", "amount_too_small"
        )
    session: Json = _blank(books, params, mode)
    session |= {
        "amount_subtotal": due,
        "amount_total": due,
        "currency": currency,
        "customer": customer["id"] if customer else None,
        "customer_details": _customer_details(params, customer),
        "expires_at": _expires_at(books, params),
        "payment_method_types": _method_types(params, currency),
        "_line_items": lines,
        "_subscription_data": subscription_data,
        "_payment_intent_data": params.get("payment_intent_data") or {},
        "_trial_end": trial_end,
    }
    session["url"] = f"{books.config.public_url}/c/pay/{session['id']}"
    books.add(session)
    books.schedule("checkout.session.expire", session["id"], session["expires_at"])
    return session


def retrieve(books: Books, params: Json, session_id: str) -> Json:
    return books.require("checkout.session", session_id)


def update(books: Books, params: Json, session_id: str) -> Json:
    session = books.require("checkout.session", session_id)
    return books.change(session, metadata=merged_metadata(session["metadata"], params.get("metadata")))


def expire(books: Books, params: Json, session_id: str) -> Json:
    session = books.require("checkout.session", session_id)
    if session["status"] != "open":
        raise errors.invalid(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of '
            f"`{session['status']}`."
        )
    return checkout.expire(books, session)


def list_(books: Books, params: Json) -> Json:
    rows = lists.matching(
        books.where("checkout.session"), params, "customer", "payment_intent", "subscription", "status"
    )
    if "customer_details" in params:
        email = params["customer_details"]["email"]
        rows = [row for row in rows if section(row["customer_details"]).get("email") == email]
    return lists.page(books, rows, params, "/v1/checkout/sessions")


def line_items(books: Books, params: Json, session_id: str) -> Json:
    session = books.require("checkout.session", session_id, None)
    return lists.page(books, session["_line_items"], params, f"/v1/checkout/sessions/{session_id}/line_items")


def _mode(params: Json) -> str:
    if "mode" not in params:
        raise errors.missing("mode")
    if params["mode"] == "setup":
        raise errors.invalid("This local stand-in does not support `setup` mode.", "mode")
    if not params.get("line_items"):
        raise errors.missing("line_items")
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise errors.invalid("This local stand-in supports only `hosted_page`.", "ui_mode")
    return params["mode"]


def _check_urls(params: Json) -> None:
    if "success_url" not in params:
        raise errors.missing("success_url")
    for name in ("success_url", "cancel_url"):
        if name in params and not _URL.match(params[name]):
            raise errors.invalid("Not a valid URL", name, "url_invalid")


def _check_mode_params(params: Json, mode: str) -> None:
    foreign = {
        "payment": ("subscription_data",),
        "subscription": ("payment_intent_data", "customer_creation", "submit_type"),
    }
    for name in foreign[mode]:
        if name in params:
            raise errors.invalid(f"You can not pass `{name}` in `{mode}` mode.", name)


def _customer(books: Books, params: Json) -> Json | None:
    if "customer" in params and "customer_email" in params:
        raise errors.invalid("You may only specify one of these parameters: customer, customer_email.", "customer")
    if "customer" not in params:
        return None
    if "customer_creation" in params:
        raise errors.invalid("You may only specify one of these parameters: customer, customer_creation.", "customer")
    return customers.require_undeleted(books, params["customer"], "customer")


def _customer_details(params: Json, customer: Json | None) -> Json | None:
    if customer is None and "customer_email" not in params:
        return None
    return checkout.details_of(customer, params.get("customer_email"))


def _lines(books: Books, params: Json, mode: str) -> list[Json]:
    raw = cast(list[Json], params["line_items"])
    if len(raw) > MAX_LINE_ITEMS:
        raise errors.invalid(f"Checkout Sessions can have at most {MAX_LINE_ITEMS} line items.", "line_items")
    lines = [_line(books, item, f"line_items[{index}]") for index, item in enumerate(raw)]
    recurring = [line["price"] for line in lines if line["price"]["type"] == "recurring"]
    if mode == "payment" and recurring:
        raise errors.invalid(
            "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only"
            " one-time prices.",
            "mode",
        )
    if mode == "subscription" and not recurring:
        raise errors.invalid(
            "You must provide at least one recurring price in `subscription` mode when using prices.", "mode"
        )
    if len({line["currency"] for line in lines}) > 1:
        raise errors.invalid("All prices on a Checkout session must have the same currency.", "line_items")
    if len({(p["recurring"]["interval"], p["recurring"]["interval_count"]) for p in recurring}) > 1:
        raise errors.invalid(
            "Checkout does not support multiple prices with different billing intervals.", "line_items"
        )
    return lines


def _line(books: Books, item: Json, path: str) -> Json:
    if ("price" in item) == ("price_data" in item):
        if "price" in item:
            raise errors.invalid("You may only specify one of these parameters: price, price_data.", path)
        raise errors.missing(f"{path}[price]")
    price = (
        _inline_price(books, item["price_data"], path)
        if "price_data" in item
        else _stored_price(books, item["price"], path)
    )
    if "quantity" not in item:
        raise errors.invalid(f"Quantity is required. Add `quantity` to `{path}`", f"{path}[quantity]")
    if item["quantity"] < 1:
        raise errors.invalid(
            "This value must be greater than or equal to 1.", f"{path}[quantity]", "parameter_invalid_integer"
        )
    product = books.get("product", price["product"])
    amount = price["unit_amount"] * item["quantity"]
    return {
        "id": new_id("item"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": product["name"],
        "metadata": {},
        "price": price,
        "quantity": item["quantity"],
    }


def _stored_price(books: Books, price_id: str, path: str) -> Json:
    price = books.require("price", price_id, f"{path}[price]")
    if not price["active"]:
        raise errors.invalid(
            "The price specified is inactive. This field only accepts active prices.", f"{path}[price]"
        )
    if not books.get("product", price["product"])["active"]:
        raise errors.invalid(
            f"Price `{price_id}` is not available to be purchased because its product is not active.", f"{path}[price]"
        )
    return price


def _inline_price(books: Books, data: Json, path: str) -> Json:
    at = f"{path}[price_data]"
    if ("product" in data) == ("product_data" in data):
        raise errors.missing(f"{at}[product]")
    if "product" in data:
        product = books.require("product", data["product"], f"{at}[product]")
        if not product["active"]:
            raise errors.invalid("This field only accepts active products.", f"{at}[product]")
    else:
        product = products.build(books, {**data["product_data"], "active": False})
    fields = {name: value for name, value in data.items() if name not in ("product", "product_data")}
    return prices.build(books, {**fields, "product": product["id"], "active": False}, at)


def _expires_at(books: Books, params: Json) -> int:
    moment = params.get("expires_at")
    if moment is None:
        return books.now + MAX_LIFE_SECONDS
    if moment < books.now + MIN_LIFE_SECONDS:
        raise errors.invalid(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.", "expires_at"
        )
    if moment > books.now + MAX_LIFE_SECONDS:
        raise errors.invalid(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.", "expires_at"
        )
    return moment


def _trial_end(books: Books, data: Json) -> int | None:
    if "trial_end" in data and "trial_period_days" in data:
        raise errors.invalid(
            "You may only specify one of these parameters: trial_end, trial_period_days.",
            "subscription_data[trial_end]",
        )
    if "trial_end" in data:
        if data["trial_end"] < books.now + 2 * DAY:
            raise errors.invalid(
                "The `subscription_data[trial_end]` timestamp must be at least 2 days in the future.",
                "subscription_data[trial_end]",
            )
        return data["trial_end"]
    if "trial_period_days" not in data:
        return None
    days = data["trial_period_days"]
    param = "subscription_data[trial_period_days]"
    if days < 1:
        raise errors.invalid("The minimum number of trial period days is 1.", param)
    if days > 730:
        raise errors.invalid("The maximum number of trial period days is 730 (2 years).", param)
    return books.now + days * DAY


def _method_types(params: Json, currency: str) -> list[str]:
    """The account's payment methods for the currency, without those that the request excludes."""
    offered = METHODS if currency == "usd" else METHODS[:1]
    allowed = params.get("allowed_payment_method_types", offered)
    excluded = params.get("excluded_payment_method_types", ())
    kinds = [kind for kind in offered if kind in allowed and kind not in excluded]
    if not kinds:
        raise errors.invalid(
            "No valid payment method types for this Checkout Session. Please ensure that you have activated payment methods"
            " compatible with your chosen currency in your dashboard."
        )
    return kinds


def _blank(books: Books, params: Json, mode: str) -> Json:
    creation = params.get("customer_creation", "if_required") if mode == "payment" else "always"
    stamp: dict[str, Any] = {
        "id": new_checkout_session_id(books.livemode),
        "object": "checkout.session",
        "created": books.now,
        "livemode": books.livemode,
    }
    return {
        **stamp,
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": None,
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "branding_settings": None,
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer_account": None,
        "customer_creation": None if "customer" in params else creation,
        "customer_email": params.get("customer_email"),
        "discounts": [],
        "integration_identifier": params.get("integration_identifier"),
        "invoice": None,
        "invoice_creation": {"enabled": False, "invoice_data": {}} if mode == "payment" else None,
        "locale": params.get("locale"),
        "metadata": merged_metadata({}, params.get("metadata")),
        "mode": mode,
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": params.get(
            "payment_method_collection", "always" if mode == "subscription" else "if_required"
        ),
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_status": "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": {
            "allow_redisplay_filters": ["always"],
            "payment_method_remove": "disabled",
            "payment_method_save": None,
        },
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": params.get("submit_type"),
        "subscription": None,
        "success_url": params["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "wallet_options": None,
    }


ROUTES = [
    Route("POST", "/v1/checkout/sessions", SessionCreateParams, create, _HANDLED),
    Route(
        "GET",
        "/v1/checkout/sessions",
        SessionListParams,
        list_,
        _LISTED,
    ),
    Route("GET", "/v1/checkout/sessions/{id}", NoParams, retrieve),
    Route("POST", "/v1/checkout/sessions/{id}", SessionUpdateParams, update, "metadata"),
    Route("POST", "/v1/checkout/sessions/{id}/expire", SessionExpireParams, expire),
    Route("GET", "/v1/checkout/sessions/{id}/line_items", SessionListLineItemsParams, line_items),
]
