"""Owns the balance of an account: one balance transaction for each charge, refund and dispute."""

from devstack.stripe.books import Books
from devstack.stripe.ids import new_id
from devstack.stripe.jsontypes import Json
from devstack.stripe.periods import DAY


def add_line(books: Books, source: str, currency: str, amount: int, fee: int, *, kind: str, category: str) -> str:
    """Adds a balance transaction to the account and returns its id. `amount` and `fee` are in the smallest currency unit."""
    fees = [
        {
            "amount": fee,
            "application": None,
            "currency": currency,
            "description": "Stripe processing fees",
            "type": "stripe_fee",
        }
    ]
    line: Json = {
        "id": new_id("balance_transaction"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": books.now + 2 * DAY,
        "balance_type": "payments",
        "created": books.now,
        "currency": currency,
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": fees if fee else [],
        "net": amount - fee,
        "reporting_category": category,
        "source": source,
        "status": "pending",
        "type": kind,
    }
    return books.add(line)["id"]
