"""The API of subscriptions: retrieve, list, update, cancel. The package `subscriptions` has what happens over time."""

from typing import Any, cast

from stripe.params import SubscriptionCancelParams, SubscriptionListParams, SubscriptionUpdateParams

from devstack.stripe import errors, lists
from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json, section
from devstack.stripe.parameters import NoParams, merged_metadata, unset_as_none
from devstack.stripe.routing import LISTING, Route
from devstack.stripe.subscriptions import cancellation, changes, timer
from devstack.stripe.subscriptions.items import items_of, new_item, period_of, plan_of

_AFTER_END = frozenset({"metadata", "cancellation_details", "expand"})
_HANDLED = """
    cancel_at cancel_at_period_end cancellation_details default_payment_method description metadata off_session
    payment_behavior payment_settings proration_behavior trial_end trial_settings
    items.id items.price items.quantity items.deleted items.metadata
"""


def retrieve(books: Books, params: Json, subscription_id: str) -> Json:
    return books.require("subscription", subscription_id)


def list_(books: Books, params: Json) -> Json:
    rows = lists.matching(books.where("subscription"), params, "customer", "collection_method")
    status = params.get("status")
    if status is None:
        rows = [row for row in rows if row["status"] != "canceled"]
    elif status == "ended":
        rows = [row for row in rows if row["status"] in timer.ENDED]
    elif status != "all":
        rows = [row for row in rows if row["status"] == status]
    if "price" in params:
        rows = [row for row in rows if any(i["price"]["id"] == params["price"] for i in items_of(row))]
    return lists.page(books, rows, params, "/v1/subscriptions")


def update(books: Books, params: Json, subscription_id: str) -> Json:
    subscription = books.require("subscription", subscription_id)
    if subscription["status"] in timer.ENDED and set(params) - _AFTER_END:
        raise errors.invalid("A canceled subscription can only update its cancellation_details and metadata.")
    if params.get("payment_behavior") == "pending_if_incomplete":
        raise errors.invalid("This local stand-in does not support pending updates.", "payment_behavior")
    if params.get("cancel_at") and params.get("cancel_at_period_end"):
        raise errors.invalid(
            "You may only specify one of these parameters: cancel_at, cancel_at_period_end.", "cancel_at_period_end"
        )
    subscription = _plain(books, subscription, params)
    if "trial_end" in params:
        subscription = _trial(books, subscription, params["trial_end"])
    if "items" in params:
        items = _items(books, subscription, params["items"])
        subscription = changes.switch(books, subscription, items, params.get("proration_behavior", "create_prorations"))
        _refuse_incomplete(params, subscription)
    return _ending(books, subscription, params)


def cancel(books: Books, params: Json, subscription_id: str) -> Json:
    subscription = books.require("subscription", subscription_id)
    if subscription["status"] in timer.ENDED:
        raise errors.no_such("subscription", subscription_id, "id", status=404)
    for name in ("invoice_now", "prorate"):
        if params.get(name):
            raise errors.invalid(f"This local stand-in does not support `{name}`.", name)
    details = {name: unset_as_none(value) for name, value in section(params.get("cancellation_details")).items()}
    return cancellation.end(books, subscription, reason="cancellation_requested", details=details)


def _plain(books: Books, subscription: Json, params: Json) -> Json:
    changes: Json = {}
    if "metadata" in params:
        changes["metadata"] = merged_metadata(subscription["metadata"], params["metadata"])
    if "description" in params:
        changes["description"] = unset_as_none(params["description"])
    if "default_payment_method" in params:
        method = unset_as_none(params["default_payment_method"])
        if method:
            books.require("payment_method", method, "default_payment_method")
        changes["default_payment_method"] = method
    for name in ("payment_settings", "trial_settings"):
        if name in params:
            changes[name] = {**(subscription[name] or {}), **params[name]}
    return books.change(subscription, "customer.subscription.updated", **changes)


def _trial(books: Books, subscription: Json, moment: Any) -> Json:
    if moment == "now":
        return changes.end_trial(books, subscription, None)
    if moment <= books.now:
        raise errors.invalid("Invalid timestamp: must be an integer Unix timestamp in the future.", "trial_end")
    return changes.end_trial(books, subscription, moment)


def _items(books: Books, subscription: Json, changes: list[Json]) -> list[Json]:
    """The items after the change. As at Stripe, an entry without an id adds an item."""
    items = {item["id"]: dict(item) for item in items_of(subscription)}
    start, end = period_of(subscription)
    for index, change in enumerate(changes):
        path = f"items[{index}]"
        price = _price(books, subscription, change["price"], f"{path}[price]") if "price" in change else None
        if "id" not in change:
            if price is None:
                raise errors.missing(f"{path}[price]")
            item = new_item(books, subscription["id"], price, change.get("quantity", 1), start, end)
            items[item["id"]] = item
            continue
        if change["id"] not in items:
            raise errors.invalid(f"No such subscription item: '{change['id']}'", f"{path}[id]", "resource_missing")
        if change.get("deleted"):
            del items[change["id"]]
            continue
        item = items[change["id"]]
        if price is not None:
            item.update(price=price, plan=plan_of(price))
            if "quantity" not in change:
                item["quantity"] = 1
        item["quantity"] = change.get("quantity", item["quantity"])
        if "metadata" in change:
            item["metadata"] = merged_metadata(item["metadata"], change["metadata"])
    after = list(items.values())
    if not after:
        raise errors.invalid("A subscription must have at least one active plan.", "items")
    _check_together(after)
    return after


def _price(books: Books, subscription: Json, price_id: str, path: str) -> Json:
    price = books.require("price", price_id, path)
    if not price["active"]:
        raise errors.invalid("The price specified is inactive. This field only accepts active prices.", path)
    if price["type"] != "recurring":
        raise errors.invalid(
            "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.",
            path,
        )
    if price["currency"] != subscription["currency"]:
        raise errors.invalid(
            f"The price specified supports currencies of `{price['currency']}`. This doesn't match the expected currency: "
            f"`{subscription['currency']}`.",
            path,
        )
    return price


def _check_together(items: list[Json]) -> None:
    seen: set[str] = set()
    for item in items:
        price = cast(str, item["price"]["id"])
        if price in seen:
            raise errors.invalid(f"Cannot add multiple subscription items with the same plan: {price}", "items")
        seen.add(price)
    if len({(i["price"]["recurring"]["interval"], i["price"]["recurring"]["interval_count"]) for i in items}) > 1:
        raise errors.invalid(
            "This local stand-in does not support different billing intervals on one subscription.", "items"
        )


def _refuse_incomplete(params: Json, subscription: Json) -> None:
    if params.get("payment_behavior") == "error_if_incomplete" and subscription["status"] == "past_due":
        raise errors.StripeFault(
            402,
            "Your card was declined.",
            kind="card_error",
            code="card_declined",
            extra={"decline_code": "generic_decline"},
        )


def _ending(books: Books, subscription: Json, params: Json) -> Json:
    details = {name: unset_as_none(value) for name, value in section(params.get("cancellation_details")).items()}
    if params.get("cancel_at_period_end") is True:
        if subscription["cancel_at_period_end"]:
            return subscription
        return cancellation.schedule_end(books, subscription, at_period_end=True, moment=None, details=details)
    moment = params.get("cancel_at")
    if moment:
        return cancellation.schedule_end(
            books, subscription, at_period_end=False, moment=_moment(books, subscription, moment), details=details
        )
    undo_flag = params.get("cancel_at_period_end") is False and subscription["cancel_at_period_end"]
    undo_moment = moment == "" and subscription["cancel_at"] is not None
    if undo_flag or undo_moment:
        return cancellation.undo(books, subscription)
    if details:
        merged = {**subscription["cancellation_details"], **details}
        return books.change(subscription, "customer.subscription.updated", cancellation_details=merged)
    return books.get("subscription", subscription["id"])


def _moment(books: Books, subscription: Json, moment: Any) -> int:
    if isinstance(moment, str):
        return period_of(subscription)[1]
    if moment <= books.now:
        raise errors.invalid("`cancel_at` must be a timestamp in the future.", "cancel_at")
    return moment


ROUTES = [
    Route(
        "GET", "/v1/subscriptions", SubscriptionListParams, list_, f"collection_method customer price status{LISTING}"
    ),
    Route("GET", "/v1/subscriptions/{id}", NoParams, retrieve),
    Route("POST", "/v1/subscriptions/{id}", SubscriptionUpdateParams, update, _HANDLED),
    Route("DELETE", "/v1/subscriptions/{id}", SubscriptionCancelParams, cancel),
]
