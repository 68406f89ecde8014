"""Owns payments: payment methods, payment intents, and the charges that confirming an intent creates."""

from typing import Any

from devstack.kit.ids import random_text
from devstack.stripe import balance, cards, disputes
from devstack.stripe.books import Books
from devstack.stripe.cards import Behaviour
from devstack.stripe.jsontypes import Json
from devstack.stripe.periods import DAY

SETTLES_AFTER_SECONDS = 4 * DAY
_FEE_BASIS_POINTS, _FEE_FIXED = 290, 30


def attach_card(books: Books, customer: Json | None, number: str, month: int, year: int, details: Json) -> Json:
    behaviour = cards.card_behaviour(number)
    brand = cards.brand(number)
    card = {
        "brand": brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "display_brand": brand,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": cards.fingerprint(number),
        "funding": "credit",
        "generated_from": None,
        "last4": number[-4:],
        "networks": {"available": [brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }
    return _attach(books, customer, "card", card, behaviour, details)


def attach_bank(books: Books, customer: Json | None, number: str, behaviour: Behaviour, details: Json) -> Json:
    account = {
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "STRIPE TEST BANK",
        "financial_connections_account": None,
        "fingerprint": cards.fingerprint(number),
        "last4": number[-4:],
        "networks": {"preferred": "ach", "supported": ["ach"]},
        "routing_number": "110000000",
        "status_details": None,
    }
    return _attach(books, customer, "us_bank_account", account, behaviour, details)


def _attach(books: Books, customer: Json | None, kind: str, body: Json, behaviour: Behaviour, details: Json) -> Json:
    method: Json = {
        **books.common_fields("payment_method"),
        "allow_redisplay": "limited",
        "billing_details": {
            "address": _no_address(),
            "email": None,
            "name": None,
            "phone": None,
            "tax_id": None,
            **details,
        },
        "customer": customer["id"] if customer else None,
        "customer_account": None,
        "metadata": {},
        "type": kind,
        kind: body,
        "_behaviour": behaviour.to_json(),
        "_charges": 0,
    }
    return books.add(method, "payment_method.attached" if customer else None)


def _no_address() -> Json:
    return {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None}


def behaviour_of(method: Json) -> Behaviour:
    return Behaviour.from_json(method["_behaviour"])


def decline_code_of(method: Json) -> str | None:
    """The decline code that a charge of this method would have now, or None if it would succeed."""
    behaviour = behaviour_of(method)
    if behaviour.decline and not behaviour.settles_later and method["_charges"] >= behaviour.declines_after:
        return behaviour.decline
    return None


def open_intent(books: Books, *, amount: int, currency: str, customer: str | None, **fields: Any) -> Json:
    intent: Json = books.common_fields("payment_intent")
    intent |= {
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": books.application,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{intent['id']}_secret_{random_text(25)}",
        "confirmation_method": "automatic",
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }
    intent.update(fields)
    return books.add(intent, "payment_intent.created")


def confirm(books: Books, intent: Json, method: Json) -> Json:
    """Charges the method. The returned intent is `succeeded`, `processing`, or `requires_payment_method` if declined."""
    behaviour = behaviour_of(method)
    decline = decline_code_of(method)
    intent = books.change(intent, payment_method=method["id"])
    if decline:
        return _declined(books, intent, method, decline)
    books.change(method, _charges=method["_charges"] + 1)
    if behaviour.settles_later:
        charge = _charge(books, intent, method, status="pending")
        books.emit("charge.pending", charge)
        intent = books.change(intent, status="processing", latest_charge=charge["id"])
        books.emit("payment_intent.processing", intent)
        books.schedule("payment_intent.settle", intent["id"], books.now + SETTLES_AFTER_SECONDS)
        return intent
    charge = _charge(books, intent, method, status="succeeded")
    books.emit("charge.succeeded", charge)
    intent = _succeeded(books, intent, charge)
    if behaviour.disputed:
        disputes.create(books, charge, reason="fraudulent")
    return intent


def settle(books: Books, intent: Json, *, succeed: bool) -> Json:
    """Ends a `processing` intent: it succeeds or fails."""
    books.unschedule("payment_intent.settle", intent["id"])
    charge = books.get("charge", intent["latest_charge"])
    method = books.get("payment_method", intent["payment_method"])
    if succeed:
        charge = books.change(charge, status="succeeded", paid=True, captured=True, amount_captured=charge["amount"])
        charge = books.change(charge, balance_transaction=_book_charge(books, charge))
        books.emit("charge.succeeded", charge)
        return _succeeded(books, intent, charge)
    decline = behaviour_of(method).decline or "debit_not_authorized"
    code, message = cards.DECLINES[decline]
    charge = books.change(charge, status="failed", paid=False, failure_code=code, failure_message=message)
    books.emit("charge.failed", charge)
    return _failed_intent(books, intent, method, charge, decline)


def _succeeded(books: Books, intent: Json, charge: Json) -> Json:
    intent = books.change(
        intent,
        status="succeeded",
        amount_received=intent["amount"],
        latest_charge=charge["id"],
        last_payment_error=None,
    )
    books.emit("payment_intent.succeeded", intent)
    return intent


def _declined(books: Books, intent: Json, method: Json, decline: str) -> Json:
    charge = _charge(books, intent, method, status="failed", decline=decline)
    books.emit("charge.failed", charge)
    return _failed_intent(books, intent, method, charge, decline)


def _failed_intent(books: Books, intent: Json, method: Json, charge: Json, decline: str) -> Json:
    code, message = cards.DECLINES[decline]
    error: Json = {
        "charge": charge["id"],
        "code": code,
        "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}",
        "message": message,
        "payment_method": {key: value for key, value in method.items() if not key.startswith("_")},
        "type": "card_error" if method["type"] == "card" else "invalid_request_error",
    }
    if method["type"] == "card":
        error["decline_code"] = decline
    intent = books.change(
        intent,
        status="requires_payment_method",
        payment_method=None,
        latest_charge=charge["id"],
        last_payment_error=error,
    )
    books.emit("payment_intent.payment_failed", intent)
    return intent


def _charge(books: Books, intent: Json, method: Json, *, status: str, decline: str | None = None) -> Json:
    paid = status == "succeeded"
    code, message = cards.DECLINES[decline] if decline else (None, None)
    charge: Json = {
        **books.common_fields("charge"),
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if paid else 0,
        "amount_refunded": 0,
        "application": books.application,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "LOCAL STAND-IN",
        "captured": paid,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": code,
        "failure_message": message,
        "fraud_details": {},
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": _outcome(status, decline),
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _method_details(method),
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": f"{books.config.public_url}/receipts/{intent['id']}" if paid else None,
        "refunded": False,
        "review": None,
        "shipping": intent["shipping"],
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": status,
        "transfer_data": None,
        "transfer_group": None,
    }
    charge = books.add(charge)
    return books.change(charge, balance_transaction=_book_charge(books, charge)) if paid else charge


def _outcome(status: str, decline: str | None) -> Json:
    if decline:
        return {
            "advice_code": "try_again_later",
            "network_advice_code": None,
            "network_decline_code": "01",
            "network_status": "declined_by_network",
            "reason": decline,
            "risk_level": "normal",
            "risk_score": 20,
            "seller_message": "The bank did not return any further details with this decline.",
            "type": "issuer_declined",
        }
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal" if status == "succeeded" else "not_assessed",
        "risk_score": 20,
        "seller_message": "Payment complete.",
        "type": "authorized",
    }


def _method_details(method: Json) -> Json:
    if method["type"] != "card":
        return {"type": method["type"], method["type"]: _bank_details(method[method["type"]])}
    card = method["card"]
    return {
        "type": "card",
        "card": {
            "amount_authorized": None,
            "authorization_code": None,
            "brand": card["brand"],
            "checks": card["checks"],
            "country": card["country"],
            "exp_month": card["exp_month"],
            "exp_year": card["exp_year"],
            "extended_authorization": {"status": "disabled"},
            "fingerprint": card["fingerprint"],
            "funding": card["funding"],
            "incremental_authorization": {"status": "unavailable"},
            "installments": None,
            "last4": card["last4"],
            "mandate": None,
            "multicapture": {"status": "unavailable"},
            "network": card["brand"],
            "network_token": {"used": False},
            "network_transaction_id": None,
            "overcapture": {"maximum_amount_capturable": 0, "status": "unavailable"},
            "regulated_status": "unregulated",
            "three_d_secure": None,
            "wallet": None,
        },
    }


def _bank_details(account: Json) -> Json:
    shown = ("account_holder_type", "account_type", "bank_name", "fingerprint", "last4", "routing_number")
    return {
        **{name: account[name] for name in shown},
        "expected_debit_date": None,
        "mandate": None,
        "payment_reference": None,
    }


def _book_charge(books: Books, charge: Json) -> str:
    fee = charge["amount"] * _FEE_BASIS_POINTS // 10_000 + _FEE_FIXED
    return balance.add_line(
        books, charge["id"], charge["currency"], charge["amount"], fee, kind="charge", category="charge"
    )
