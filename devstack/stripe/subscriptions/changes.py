"""Owns changes of a subscription: other items, with proration, and a new end of its trial."""

from devstack.stripe import invoicing
from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json
from devstack.stripe.subscriptions.collection import collect
from devstack.stripe.subscriptions.items import items_list, items_of, open_period, period_of
from devstack.stripe.subscriptions.timer import reschedule


def switch(books: Books, subscription: Json, items: list[Json], proration: str) -> Json:
    """Replaces the items. If the interval changes, a new period starts at once. If not, the period stays, with proration.

    `proration` is Stripe's `proration_behavior`.
    """
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
    after = open_period(books, after, books.now)
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


def end_trial(books: Books, subscription: Json, moment: int | None) -> Json:
    """Moves the end of a trial to `moment`. None means now; then an invoice is created at once."""
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
    after = open_period(books, {**subscription, "billing_cycle_anchor": books.now}, books.now)
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
    remaining = {item["id"]: item for item in items}
    for item_id, old in before.items():
        new = remaining.get(item_id)
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
