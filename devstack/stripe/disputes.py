"""Creates and closes disputes, and changes the charge and the balance. A control or a test card creates them."""

from devstack.stripe import balance, errors
from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json
from devstack.stripe.periods import DAY

_FEE = 1500
_EVIDENCE = (
    "access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure",
    "cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name",
    "customer_purchase_ip", "customer_signature", "duplicate_charge_documentation", "duplicate_charge_explanation",
    "duplicate_charge_id", "product_description", "receipt", "refund_policy", "refund_policy_disclosure",
    "refund_refusal_explanation", "service_date", "service_documentation", "shipping_address", "shipping_carrier",
    "shipping_date", "shipping_documentation", "shipping_tracking_number", "uncategorized_file", "uncategorized_text",
)  # fmt: skip


def create(books: Books, charge: Json, reason: str = "fraudulent", amount: int | None = None) -> Json:
    """Disputes a charge. `amount` is in the smallest currency unit, by default all that is not refunded."""
    if charge["status"] != "succeeded" or charge["disputed"]:
        raise errors.invalid(f"Charge {charge['id']} cannot be disputed.", "charge")
    amount = amount or int(charge["amount"] - charge["amount_refunded"])
    dispute: Json = books.common_fields("dispute")
    line = balance.add_line(
        books, dispute["id"], charge["currency"], -amount, _FEE, kind="adjustment", category="dispute"
    )
    dispute |= {
        "amount": amount,
        "balance_transactions": [books.get("balance_transaction", line)],
        "charge": charge["id"],
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(_EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": books.now + 9 * DAY,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {"brand": "visa", "case_type": "chargeback", "network": "visa", "network_reason_code": "10.4"},
            "type": "card",
        },
        "reason": reason,
        "status": "needs_response",
    }
    books.change(charge, "charge.updated", disputed=True)
    books.add(dispute, "charge.dispute.created")
    books.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def close(books: Books, dispute: Json, outcome: str) -> Json:
    """Closes a dispute. `outcome` is `won` (the money comes back) or `lost`. Raises StripeFault if it is closed already."""
    if dispute["status"] in ("won", "lost"):
        raise errors.invalid("This dispute is already closed.", code="dispute_already_closed")
    lines = dispute["balance_transactions"]
    if outcome == "won":
        line = balance.add_line(
            books,
            dispute["id"],
            dispute["currency"],
            dispute["amount"],
            0,
            kind="adjustment",
            category="dispute_reversal",
        )
        lines = [*lines, books.get("balance_transaction", line)]
    dispute = books.change(dispute, status=outcome, balance_transactions=lines)
    books.emit("charge.dispute.closed", dispute)
    if outcome == "won":
        books.emit("charge.dispute.funds_reinstated", dispute)
    return dispute
