"""Owns the collection of invoices: which payment method is charged, when to retry, and the subscription's new status."""

from devstack.stripe import invoicing
from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json
from devstack.stripe.periods import DAY
from devstack.stripe.subscriptions.cancellation import end
from devstack.stripe.subscriptions.timer import ENDED

# Days until the next attempt, after the 1st, 2nd and 3rd failed one. After one more the subscription is canceled.
RETRY_DAYS = (3, 5, 7)


def finalize_and_collect(books: Books, invoice_id: str) -> None:
    """Finalizes a draft invoice and tries to collect it. A timer calls this an hour after the draft, or `pay` does."""
    invoice = books.get("invoice", invoice_id)
    subscription = books.get("subscription", invoice["_subscription"])
    if invoice["status"] != "draft" or subscription["status"] in ENDED:
        books.unschedule("invoice.finalize", invoice_id)
        return
    invoice = invoicing.finalize(books, invoice)
    collect(books, subscription, invoice)


def retry(books: Books, invoice_id: str) -> None:
    """Tries again to collect an open invoice."""
    books.unschedule("invoice.retry", invoice_id)
    invoice = books.get("invoice", invoice_id)
    subscription = books.get("subscription", invoice["_subscription"])
    if invoice["status"] == "open" and subscription["status"] not in ENDED:
        collect(books, subscription, invoice)


def method_for(books: Books, subscription: Json) -> Json | None:
    """The payment method to charge: the subscription's default, else the customer's."""
    customer = books.get("customer", subscription["customer"])
    settings: Json = customer.get("invoice_settings") or {}
    method_id = subscription["default_payment_method"] or settings.get("default_payment_method")
    return books.find("payment_method", method_id) if method_id else None


def collect(books: Books, subscription: Json, invoice: Json, method: Json | None = None) -> tuple[Json, Json]:
    """Tries once to collect an open invoice, and updates the subscription. Returns (subscription, invoice)."""
    invoice, result = invoicing.attempt(books, invoice, method or method_for(books, subscription))
    if result == "failed":
        return _failed(books, subscription, invoice)
    return _collected(books, subscription), invoice


def bank_debit_ended(books: Books, intent: Json) -> None:
    """Updates the invoice and the subscription after a bank debit has succeeded or failed."""
    rows = books.where("invoice_payment", _payment_intent=intent["id"])
    if not rows:
        return
    invoice = books.get("invoice", rows[0]["invoice"])
    subscription = books.get("subscription", invoice["_subscription"])
    if intent["status"] == "succeeded":
        invoicing.mark_paid(books, invoice)
        _collected(books, subscription)
    else:
        _failed(books, subscription, invoice)


def _collected(books: Books, subscription: Json) -> Json:
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
