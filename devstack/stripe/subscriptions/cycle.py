"""Owns the billing cycle of a subscription: its start, its renewals, and what its timer does."""

from devstack.stripe import invoicing
from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json
from devstack.stripe.periods import next_boundary
from devstack.stripe.subscriptions.cancellation import end
from devstack.stripe.subscriptions.collection import collect, method_for
from devstack.stripe.subscriptions.items import items_list, items_of, new_item, open_period, period_of
from devstack.stripe.subscriptions.timer import ENDED, TIMER, TRIAL_WARNING_SECONDS, reschedule


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
    """Creates a subscription and its first invoice, and charges `method`. The caller must check first that it is not declined."""
    recurring = lines[0][0]["recurring"]
    anchor = trial_end or books.now
    end_ = trial_end or next_boundary(books.now, recurring["interval"], recurring["interval_count"], books.now)
    subscription: Json = books.common_fields("subscription")
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


def tick(books: Books, subscription_id: str) -> None:
    """Called by the subscription's timer: cancels it, announces the end of its trial, or renews it."""
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
    """Starts the next period, with a draft invoice that is charged one hour later."""
    previous_start, start_ = period_of(subscription)
    end_of_trial = subscription["status"] == "trialing"
    if end_of_trial and method_for(books, subscription) is None:
        behaviour = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
        if behaviour == "cancel":
            return end(books, subscription)
    subscription = open_period(books, subscription, start_)
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
