"""Owns the cancellation of a subscription: at once, at a later time, and undone."""

from typing import Any

from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json
from devstack.stripe.subscriptions.items import period_of
from devstack.stripe.subscriptions.timer import TIMER, reschedule


def end(books: Books, subscription: Json, reason: str | None = None, details: Json | None = None) -> Json:
    """Cancels the subscription at once. Its open invoices are not collected any more."""
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
    """Schedules the end of a subscription. The API sets `cancel_at_period_end`; the portal sets `cancel_at` to `moment`.

    `moment` is in seconds since 1970.
    """
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


def undo(books: Books, subscription: Json) -> Json:
    """Removes a scheduled cancellation."""
    subscription = books.change(
        subscription,
        "customer.subscription.updated",
        cancel_at_period_end=False,
        cancel_at=None,
        canceled_at=None,
        cancellation_details={"comment": None, "feedback": None, "feedback_option": None, "reason": None},
    )
    return reschedule(books, subscription)
