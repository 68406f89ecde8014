"""Owns the life of a subscription: start, renewal, dunning, changes, end. Time and pages call in here; so does the API."""

from typing import Any

from devstack.stripe import invoicing
from devstack.stripe.books import Books
from devstack.stripe.ids import new_id
from devstack.stripe.jsontypes import Json
from devstack.stripe.periods import DAY, next_boundary

ENDED = ("canceled", "incomplete_expired")
TRIAL_WARNING_SECONDS = 3 * DAY
# Days until the next try after the 1st, 2nd, 3rd failed attempt; when the list is used up the subscription is canceled.
RETRY_DAYS = (3, 5, 7)
TIMER = "subscription"


def plan_of(price: Json) -> Json:
    """The legacy Plan object that a subscription item still carries beside its price."""
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


def start(
    books: Books,
    customer: Json,
    lines: list[tuple[Json, int]],
    one_time: list[tuple[Json, int]],
    *,
    method: Json | None,
    metadata: Json,
    trial_end: int | None = None,
    description: str | None = None,
    trial_settings: Json | None = None,
) -> tuple[Json, Json]:
    """A new subscription and its first invoice, charged to `method`. Declines are found out before this is called."""
    recurring = lines[0][0]["recurring"]
    anchor = trial_end or books.now
    end_ = trial_end or next_boundary(books.now, recurring["interval"], recurring["interval_count"], books.now)
    subscription: Json = books.stamp("subscription")
    items = [new_item(books, subscription["id"], price, quantity, books.now, end_) for price, quantity in lines]
    subscription |= {
        "application": books.application,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": anchor,
        "billing_cycle_anchor_config": None,
        "billing_mode": {
            "flexible": {"proration_discounts": "included"},
            "type": "flexible",
            "updated_at": books.now,
        },
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "feedback_option": None, "reason": None},
        "collection_method": "charge_automatically",
        "currency": lines[0][0]["currency"],
        "customer": customer["id"],
        "customer_account": None,
        "days_until_due": None,
        "default_payment_method": method["id"] if method else None,
        "default_source": None,
        "default_tax_rates": [],
        "description": description,
        "discounts": [],
        "ended_at": None,
        "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
        "items": items_list(subscription["id"], items),
        "latest_invoice": None,
        "metadata": metadata,
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "schedule": None,
        "start_date": books.now,
        "status": "trialing" if trial_end else "incomplete",
        "test_clock": None,
        "transfer_data": None,
        "trial_end": trial_end,
        "trial_settings": trial_settings or {"end_behavior": {"missing_payment_method": "create_invoice"}},
        "trial_start": books.now if trial_end else None,
        "_warned_of_trial_end": False,
    }
    books.add(subscription)
    for price, quantity in one_time:
        product = books.get("product", price["product"])
        invoicing.add_pending(books, subscription, price, price["unit_amount"] * quantity, quantity, product["name"])
    rows = [invoicing.subscription_line(books, item, books.now, end_, trial=trial_end is not None) for item in items]
    invoice = invoicing.draft(books, subscription, rows, "subscription_create", books.now, books.now, waits=False)
    subscription = books.change(subscription, latest_invoice=invoice["id"])
    books.emit("customer.subscription.created", subscription)
    invoice = invoicing.finalize(books, invoice)
    subscription, invoice = collect(books, subscription, invoice)
    return reschedule(books, subscription), invoice


def reschedule(books: Books, subscription: Json) -> Json:
    """Sets the one timer of a subscription to the next moment at which something happens to it."""
    if subscription["status"] in ENDED:
        books.unschedule(TIMER, subscription["id"])
        return subscription
    moments = [period_of(subscription)[1]]
    if subscription["cancel_at"]:
        moments.append(subscription["cancel_at"])
    if subscription["status"] == "trialing" and not subscription["_warned_of_trial_end"]:
        moments.append(max(subscription["trial_end"] - TRIAL_WARNING_SECONDS, books.now))
    books.schedule(TIMER, subscription["id"], min(moments))
    return subscription


def tick(books: Books, subscription_id: str) -> None:
    """The subscription's timer went off."""
    books.unschedule(TIMER, subscription_id)
    subscription = books.find("subscription", subscription_id)
    if subscription is None or subscription["status"] in ENDED:
        return
    if subscription["cancel_at"] and subscription["cancel_at"] <= books.now:
        end(books, subscription)
        return
    trial_end = subscription["trial_end"] or 0
    if (
        subscription["status"] == "trialing"
        and not subscription["_warned_of_trial_end"]
        and trial_end - TRIAL_WARNING_SECONDS <= books.now
    ):
        subscription = books.change(subscription, _warned_of_trial_end=True)
        books.emit("customer.subscription.trial_will_end", subscription)
    if period_of(subscription)[1] <= books.now:
        subscription = renew(books, subscription)
    reschedule(books, subscription)


def renew(books: Books, subscription: Json) -> Json:
    """The period is over: the next begins, and a draft invoice waits its hour before it is charged."""
    previous_start, start_ = period_of(subscription)
    end_of_trial = subscription["status"] == "trialing"
    if end_of_trial and method_for(books, subscription) is None:
        behaviour = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
        if behaviour == "cancel":
            return end(books, subscription)
    subscription = _open_period(books, subscription, start_)
    end_ = period_of(subscription)[1]
    rows = [invoicing.subscription_line(books, item, start_, end_) for item in items_of(subscription)]
    invoice = invoicing.draft(books, subscription, rows, "subscription_cycle", previous_start, start_, waits=True)
    return books.change(
        subscription,
        "customer.subscription.updated",
        items=subscription["items"],
        latest_invoice=invoice["id"],
        status="active" if end_of_trial else subscription["status"],
    )


def _open_period(books: Books, subscription: Json, start_: int) -> Json:
    """The subscription with its items moved to the period that begins at `start_`; not stored yet."""
    items: list[Json] = []
    for item in items_of(subscription):
        every = item["price"]["recurring"]
        end_ = next_boundary(subscription["billing_cycle_anchor"], every["interval"], every["interval_count"], start_)
        items.append({**item, "current_period_start": start_, "current_period_end": end_, "billed_until": end_})
    return {**subscription, "items": items_list(subscription["id"], items)}


def finalize_and_collect(books: Books, invoice_id: str) -> None:
    """A draft's hour is over."""
    invoice = books.get("invoice", invoice_id)
    subscription = books.get("subscription", invoice["_subscription"])
    if invoice["status"] != "draft" or subscription["status"] in ENDED:
        books.unschedule("invoice.finalize", invoice_id)
        return
    invoice = invoicing.finalize(books, invoice)
    collect(books, subscription, invoice)


def retry(books: Books, invoice_id: str) -> None:
    """The day of the next attempt has come."""
    books.unschedule("invoice.retry", invoice_id)
    invoice = books.get("invoice", invoice_id)
    subscription = books.get("subscription", invoice["_subscription"])
    if invoice["status"] == "open" and subscription["status"] not in ENDED:
        collect(books, subscription, invoice)


def method_for(books: Books, subscription: Json) -> Json | None:
    customer = books.get("customer", subscription["customer"])
    settings: Json = customer.get("invoice_settings") or {}
    method_id = subscription["default_payment_method"] or settings.get("default_payment_method")
    return books.find("payment_method", method_id) if method_id else None


def collect(books: Books, subscription: Json, invoice: Json, method: Json | None = None) -> tuple[Json, Json]:
    """One attempt on an open invoice, and what it means for the subscription."""
    invoice, result = invoicing.attempt(books, invoice, method or method_for(books, subscription))
    if result == "failed":
        return _failed(books, subscription, invoice)
    return _kept(books, subscription), invoice


def settled(books: Books, intent: Json) -> None:
    """A bank debit that was under way has ended; the invoice it was for follows."""
    rows = books.where("invoice_payment", _payment_intent=intent["id"])
    if not rows:
        return
    invoice = books.get("invoice", rows[0]["invoice"])
    subscription = books.get("subscription", invoice["_subscription"])
    if intent["status"] == "succeeded":
        invoicing.mark_paid(books, invoice)
        _kept(books, subscription)
    else:
        _failed(books, subscription, invoice)


def _kept(books: Books, subscription: Json) -> Json:
    subscription = books.get("subscription", subscription["id"])
    if subscription["status"] in ("incomplete", "past_due", "unpaid"):
        return books.change(subscription, "customer.subscription.updated", status="active")
    return subscription


def _failed(books: Books, subscription: Json, invoice: Json) -> tuple[Json, Json]:
    attempts: int = invoice["attempt_count"]
    again = books.now + RETRY_DAYS[attempts - 1] * DAY if 1 <= attempts <= len(RETRY_DAYS) else None
    subscription = books.get("subscription", subscription["id"])
    alive = subscription["status"] not in ENDED
    again = again if alive else None
    invoice = books.change(invoice, "invoice.updated", next_payment_attempt=again, auto_advance=again is not None)
    books.emit("invoice.payment_failed", invoice)
    if again:
        books.schedule("invoice.retry", invoice["id"], again)
    if not alive:
        return subscription, invoice
    if again is None:
        return end(books, subscription, reason="payment_failed"), invoice
    return books.change(subscription, "customer.subscription.updated", status="past_due"), invoice


def end(books: Books, subscription: Json, reason: str | None = None, details: Json | None = None) -> Json:
    """Canceled for good. Invoices that are still open are no longer collected."""
    books.unschedule(TIMER, subscription["id"])
    for invoice in books.where("invoice", _subscription=subscription["id"]):
        if invoice["status"] in ("draft", "open"):
            books.unschedule("invoice.finalize", invoice["id"])
            books.unschedule("invoice.retry", invoice["id"])
            books.change(
                invoice,
                "invoice.updated",
                auto_advance=False,
                next_payment_attempt=None,
                automatically_finalizes_at=None,
            )
    cancellation: Json = {**subscription["cancellation_details"], **(details or {})}
    if reason:
        cancellation["reason"] = reason
    subscription = books.change(
        subscription,
        status="canceled",
        ended_at=books.now,
        canceled_at=subscription["canceled_at"] or books.now,
        cancellation_details=cancellation,
    )
    books.emit("customer.subscription.deleted", subscription)
    return subscription


def schedule_end(books: Books, subscription: Json, *, at_period_end: bool, moment: int | None, **changes: Any) -> Json:
    """Marks a subscription to end later. The API says so with a flag, the portal with a moment (flexible billing mode)."""
    subscription = books.change(
        subscription,
        "customer.subscription.updated",
        cancel_at_period_end=at_period_end,
        cancel_at=period_of(subscription)[1] if at_period_end else moment,
        canceled_at=books.now,
        cancellation_details={
            **subscription["cancellation_details"],
            "reason": "cancellation_requested",
            **changes.pop("details", {}),
        },
        **changes,
    )
    return reschedule(books, subscription)


def keep(books: Books, subscription: Json) -> Json:
    """Undoes a scheduled end."""
    subscription = books.change(
        subscription,
        "customer.subscription.updated",
        cancel_at_period_end=False,
        cancel_at=None,
        canceled_at=None,
        cancellation_details={"comment": None, "feedback": None, "feedback_option": None, "reason": None},
    )
    return reschedule(books, subscription)


def switch(books: Books, subscription: Json, items: list[Json], proration: str) -> Json:
    """Replaces the items. A new interval starts a new period at once; the same interval keeps the period and prorates."""
    before = {item["id"]: item for item in items_of(subscription)}
    old, new = items_of(subscription)[0]["price"]["recurring"], items[0]["price"]["recurring"]
    restarts = (old["interval"], old["interval_count"]) != (new["interval"], new["interval_count"])
    if subscription["status"] == "trialing":
        restarts, proration = False, "none"
    if proration != "none":
        _prorate(books, subscription, before, items, credit_only=restarts)
    after: Json = {**subscription, "items": items_list(subscription["id"], items)}
    if not restarts:
        subscription = books.change(subscription, "customer.subscription.updated", items=after["items"])
        if proration == "always_invoice":
            subscription = _invoice_now(books, subscription, [])
        return reschedule(books, subscription)
    after["billing_cycle_anchor"] = books.now
    after = _open_period(books, after, books.now)
    subscription = books.change(
        subscription,
        "customer.subscription.updated",
        items=after["items"],
        billing_cycle_anchor=books.now,
        cancel_at=period_of(after)[1] if subscription["cancel_at_period_end"] else subscription["cancel_at"],
    )
    start_, end_ = period_of(subscription)
    rows = [invoicing.subscription_line(books, item, start_, end_) for item in items_of(subscription)]
    return reschedule(books, _invoice_now(books, subscription, rows))


def _invoice_now(books: Books, subscription: Json, rows: list[Json]) -> Json:
    waiting = [row for row in books.where("invoiceitem", _subscription=subscription["id"]) if row["invoice"] is None]
    if not rows and not waiting:
        return subscription
    invoice = invoicing.draft(books, subscription, rows, "subscription_update", books.now, books.now, waits=False)
    subscription = books.change(subscription, "customer.subscription.updated", latest_invoice=invoice["id"])
    return collect(books, subscription, invoicing.finalize(books, invoice))[0]


def _prorate(
    books: Books, subscription: Json, before: dict[str, Json], items: list[Json], *, credit_only: bool
) -> None:
    start_, end_ = period_of(subscription)
    left = max(end_ - books.now, 0) / max(end_ - start_, 1)
    kept = {item["id"]: item for item in items}
    for item_id, old in before.items():
        new = kept.get(item_id)
        if not credit_only and new and (new["price"]["id"], new["quantity"]) == (old["price"]["id"], old["quantity"]):
            continue
        _proration(books, subscription, old, -round(_worth(old) * left), "Unused time on", end_)
        if new and not credit_only:
            _proration(books, subscription, new, round(_worth(new) * left), "Remaining time on", end_)
    for item in items:
        if item["id"] not in before and not credit_only:
            _proration(books, subscription, item, round(_worth(item) * left), "Remaining time on", end_)


def _worth(item: Json) -> int:
    return item["price"]["unit_amount"] * item["quantity"]


def _proration(books: Books, subscription: Json, item: Json, amount: int, lead: str, end_: int) -> None:
    if amount == 0:
        return
    product = books.get("product", item["price"]["product"])
    invoicing.add_pending(
        books,
        subscription,
        item["price"],
        amount,
        item["quantity"],
        f"{lead} {product['name']}",
        proration=True,
        discountable=False,
        period={"start": books.now, "end": end_},
        _subscription_item=item["id"],
    )


def end_trial(books: Books, subscription: Json, moment: int | None) -> Json:
    """Moves the end of a trial; None means now, with an invoice at once."""
    if moment is not None:
        items = [{**i, "current_period_end": moment, "billed_until": moment} for i in items_of(subscription)]
        subscription = books.change(
            subscription,
            "customer.subscription.updated",
            status="trialing",
            trial_end=moment,
            trial_start=subscription["trial_start"] or books.now,
            billing_cycle_anchor=moment,
            items=items_list(subscription["id"], items),
            _warned_of_trial_end=False,
        )
        return reschedule(books, subscription)
    if subscription["status"] != "trialing":
        return subscription
    after = _open_period(books, {**subscription, "billing_cycle_anchor": books.now}, books.now)
    subscription = books.change(
        subscription,
        "customer.subscription.updated",
        status="active",
        trial_end=books.now,
        billing_cycle_anchor=books.now,
        items=after["items"],
    )
    start_, end_ = period_of(subscription)
    rows = [invoicing.subscription_line(books, item, start_, end_) for item in items_of(subscription)]
    return reschedule(books, _invoice_now(books, subscription, rows))
