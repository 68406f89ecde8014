"""Owns subscription items: their fields, their legacy plan, and the billing period, which Stripe stores in the items."""

from devstack.stripe.books import Books
from devstack.stripe.ids import new_id
from devstack.stripe.jsontypes import Json
from devstack.stripe.periods import next_boundary


def plan_of(price: Json) -> Json:
    """The legacy Plan object. Stripe still adds it to a subscription item, next to the price."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": "per_unit",
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": price["livemode"],
        "metadata": price["metadata"],
        "meter": None,
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": recurring["usage_type"],
    }


def new_item(books: Books, subscription_id: str, price: Json, quantity: int, start: int, end: int) -> Json:
    return {
        "id": new_id("subscription_item"),
        "object": "subscription_item",
        "billed_until": end,
        "billing_thresholds": None,
        "created": books.now,
        "current_period_end": end,
        "current_period_start": start,
        "discounts": [],
        "metadata": {},
        "plan": plan_of(price),
        "price": price,
        "quantity": quantity,
        "subscription": subscription_id,
        "tax_rates": [],
    }


def items_list(subscription_id: str, items: list[Json]) -> Json:
    return {
        "object": "list",
        "data": items,
        "has_more": False,
        "total_count": len(items),
        "url": f"/v1/subscription_items?subscription={subscription_id}",
    }


def items_of(subscription: Json) -> list[Json]:
    return subscription["items"]["data"]


def period_of(subscription: Json) -> tuple[int, int]:
    first = items_of(subscription)[0]
    return first["current_period_start"], first["current_period_end"]


def open_period(books: Books, subscription: Json, start_: int) -> Json:
    """The subscription with its items in the period that starts at `start_`. The caller must store it."""
    items: list[Json] = []
    for item in items_of(subscription):
        every = item["price"]["recurring"]
        end_ = next_boundary(subscription["billing_cycle_anchor"], every["interval"], every["interval_count"], start_)
        items.append({**item, "current_period_start": start_, "current_period_end": end_, "billed_until": end_})
    return {**subscription, "items": items_list(subscription["id"], items)}
