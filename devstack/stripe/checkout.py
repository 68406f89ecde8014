"""Owns what happens when a buyer pays, a session expires, or a bank debit ends. The page and the controls call it."""

from dataclasses import dataclass
from typing import Any

from devstack.stripe import cards, customers, invoicing, payments
from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json
from devstack.stripe.subscriptions import collection, cycle


class Declined(Exception):
    """The payment failed. `message` is for the buyer; `field` is the input on the page that it is about."""

    def __init__(self, message: str, field: str = "cardNumber") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


@dataclass(frozen=True)
class Tender:
    """The buyer's input. `kind` is `card`, `us_bank_account`, or `none` if nothing is due. `number` is of the card or account."""

    email: str
    kind: str
    number: str
    month: int = 12
    year: int = 2034
    name: str | None = None


def details_of(customer: Json | None, email: str | None, name: str | None = None) -> Json:
    return {
        "address": None,
        "business_name": None,
        "email": customer["email"] if customer and customer["email"] else email,
        "individual_name": None,
        "name": customer["name"] if customer and customer["name"] else name,
        "phone": customer["phone"] if customer else None,
        "tax_exempt": customer["tax_exempt"] if customer else "none",
        "tax_ids": [] if customer else None,
    }


def pay(books: Books, session: Json, tender: Tender) -> Json:
    """Completes an open session. Raises Declined. A failed charge stays stored then, as at Stripe."""
    if session["status"] != "open":
        raise Declined("This checkout session is no longer open.", "session")
    if tender.kind == "none":
        if not needs_no_method(session):
            raise Declined("Your card number is incomplete.")
    elif tender.kind not in session["payment_method_types"]:
        raise Declined("This payment method is not available. Choose another one.", "method")
    if tender.kind == "card" and not cards.number_is_valid(tender.number):
        raise Declined("Your card number is invalid.")
    if tender.kind == "us_bank_account" and cards.bank_behaviour(tender.number) is None:
        raise Declined("This is not a test bank account. Use 000123456789.", "bankAccount")
    complete = _pay_once if session["mode"] == "payment" else _subscribe
    return complete(books, session, tender)


def needs_no_method(session: Json) -> bool:
    """Whether the buyer enters no payment method: nothing is due, and the seller does not require a card for later."""
    return session["amount_total"] == 0 and session["payment_method_collection"] == "if_required"


def _subscribe(books: Books, session: Json, tender: Tender) -> Json:
    decline = cards.card_behaviour(tender.number) if tender.kind == "card" else cards.PAYS
    if decline.decline and decline.declines_after == 0:
        raise Declined(cards.DECLINES[decline.decline][1])
    customer = _customer(books, session, tender)
    method = None if tender.kind == "none" else _method(books, customer, tender)
    lines = [(line["price"], line["quantity"]) for line in session["_line_items"]]
    data: Json = session["_subscription_data"]
    subscription, invoice = cycle.start(
        books,
        customer,
        [line for line in lines if line[0]["type"] == "recurring"],
        [line for line in lines if line[0]["type"] == "one_time"],
        method=method,
        metadata=dict(data.get("metadata") or {}),
        trial_end=session["_trial_end"] and _trial_from_now(books, session),
        description=data.get("description"),
        trial_settings=data.get("trial_settings"),
    )
    payment = invoicing.payment_of(books, invoice)
    if invoice["amount_due"] == 0:
        status = "no_payment_required" if session["_trial_end"] else "paid"
    else:
        status = "paid" if invoice["status"] == "paid" else "unpaid"
    return _complete(
        books, session, customer, tender, status,
        subscription=subscription["id"],
        invoice=invoice["id"],
        _payment_intent=payment["_payment_intent"] if payment else None,
    )  # fmt: skip


def _trial_from_now(books: Books, session: Json) -> int:
    """The end of the trial. A trial in days begins when the buyer subscribes, not when the session was created."""
    if "trial_end" in session["_subscription_data"]:
        return session["_trial_end"]
    return session["_trial_end"] - session["created"] + books.now


def _pay_once(books: Books, session: Json, tender: Tender) -> Json:
    if session["amount_total"] == 0:
        return _complete(books, session, _customer_if_wanted(books, session, tender), tender, "no_payment_required")
    customer = _customer_if_wanted(books, session, tender)
    method = _method(books, customer, tender)
    intent = _intent(books, session, customer, tender)
    intent = payments.confirm(books, intent, method)
    if intent["status"] == "requires_payment_method":
        raise Declined(intent["last_payment_error"]["message"])
    status = "paid" if intent["status"] == "succeeded" else "unpaid"
    return _complete(
        books, session, customer, tender, status, payment_intent=intent["id"], _payment_intent=intent["id"]
    )


def _intent(books: Books, session: Json, customer: Json | None, tender: Tender) -> Json:
    """The session's payment intent. The first attempt creates it; later attempts use it again."""
    if session["payment_intent"]:
        intent = books.get("payment_intent", session["payment_intent"])
        return books.change(intent, customer=customer["id"] if customer else None)
    data: Json = session["_payment_intent_data"]
    intent = payments.open_intent(
        books,
        amount=session["amount_total"],
        currency=session["currency"],
        customer=customer["id"] if customer else None,
        metadata=dict(data.get("metadata") or {}),
        description=data.get("description"),
        receipt_email=data.get("receipt_email"),
        payment_method_types=session["payment_method_types"],
    )
    books.change(session, payment_intent=intent["id"])
    return intent


def _customer(books: Books, session: Json, tender: Tender) -> Json:
    if session["customer"]:
        customer = books.get("customer", session["customer"])
        if not customer["email"]:
            customer = books.change(customer, "customer.updated", email=tender.email)
        return customer
    return customers.build(books, email=_email(session, tender), name=tender.name)


def _customer_if_wanted(books: Books, session: Json, tender: Tender) -> Json | None:
    """The customer, or None: payment mode creates one only if the session says `customer_creation: always`."""
    if session["customer"] or session["customer_creation"] == "always":
        return _customer(books, session, tender)
    return None


def _email(session: Json, tender: Tender) -> str:
    return session["customer_email"] or tender.email


def _method(books: Books, customer: Json | None, tender: Tender) -> Json:
    details: Json = {"email": tender.email, "name": tender.name}
    if tender.kind == "card":
        return payments.attach_card(books, customer, tender.number, tender.month, tender.year, details)
    behaviour = cards.bank_behaviour(tender.number) or cards.PAYS
    return payments.attach_bank(books, customer, tender.number, behaviour, details)


def _complete(books: Books, session: Json, customer: Json | None, tender: Tender, status: str, **fields: Any) -> Json:
    books.unschedule("checkout.session.expire", session["id"])
    session = books.change(
        session,
        status="complete",
        payment_status=status,
        url=None,
        customer=customer["id"] if customer else None,
        customer_details=details_of(customer, _email(session, tender), tender.name),
        **fields,
    )
    books.emit("checkout.session.completed", session)
    return session


def expire(books: Books, session: Json) -> Json:
    books.unschedule("checkout.session.expire", session["id"])
    session = books.change(session, status="expired", url=None)
    if session["payment_intent"]:
        intent = books.get("payment_intent", session["payment_intent"])
        intent = books.change(intent, status="canceled", canceled_at=books.now, cancellation_reason="expired")
        books.emit("payment_intent.canceled", intent)
    books.emit("checkout.session.expired", session)
    return session


def settle(books: Books, intent_id: str, *, succeed: bool | None = None) -> Json:
    """Ends a bank debit, and updates its session and subscription. If `succeed` is None, the account number decides."""
    intent = books.get("payment_intent", intent_id)
    if intent["status"] != "processing":
        return intent
    if succeed is None:
        method = books.get("payment_method", intent["payment_method"])
        succeed = not payments.behaviour_of(method).fails_later
    intent = payments.settle(books, intent, succeed=succeed)
    collection.bank_debit_ended(books, intent)
    for session in books.where("checkout.session", _payment_intent=intent_id):
        if succeed:
            session = books.change(session, payment_status="paid")
        books.emit(f"checkout.session.async_payment_{'succeeded' if succeed else 'failed'}", session)
    return intent
