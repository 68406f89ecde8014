"""The API of refunds: create, retrieve, list, update. A refund may be partial."""

from stripe.params import RefundCreateParams, RefundListParams, RefundUpdateParams

from devstack.stripe import balance, errors, lists, money
from devstack.stripe.books import Books
from devstack.stripe.ids import new_id
from devstack.stripe.jsontypes import Json
from devstack.stripe.parameters import NoParams, merged_metadata
from devstack.stripe.routing import Route


def create(books: Books, params: Json) -> Json:
    charge = _charge(books, params)
    return refund(
        books, charge, params.get("amount"), params.get("reason"), merged_metadata({}, params.get("metadata"))
    )


def refund(books: Books, charge: Json, amount: int | None, reason: str | None, metadata: Json) -> Json:
    """Refunds a charge. `amount` is in the smallest currency unit; None means all that is not refunded. Raises StripeFault."""
    left: int = charge["amount_captured"] - charge["amount_refunded"]
    if charge["refunded"]:
        raise errors.invalid(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if charge["disputed"]:
        raise errors.invalid(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        )
    if charge["status"] != "succeeded":
        raise errors.invalid(f"Charge {charge['id']} has not succeeded; cannot issue a refund.")
    amount = left if amount is None else amount
    if amount < 1:
        raise errors.invalid("Invalid positive integer", "amount", "parameter_invalid_integer")
    if amount > left:
        asked, open_ = money.formatted(amount, charge["currency"]), money.formatted(left, charge["currency"])
        raise errors.invalid(
            f"Refund amount ({asked}) is greater than unrefunded amount on charge ({open_})",
            "amount",
            "amount_too_large",
        )
    made: Json = {
        "id": new_id("refund"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": books.now,
        "currency": charge["currency"],
        "destination_details": {
            "card": {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"},
            "type": "card",
        },
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
    made["balance_transaction"] = balance.add_line(
        books, made["id"], charge["currency"], -amount, 0, kind="refund", category="refund"
    )
    books.add(made, "refund.created")
    total = charge["amount_refunded"] + amount
    books.change(charge, "charge.refunded", amount_refunded=total, refunded=total == charge["amount_captured"])
    return made


def retrieve(books: Books, params: Json, refund_id: str) -> Json:
    return books.require("refund", refund_id)


def update(books: Books, params: Json, refund_id: str) -> Json:
    found = books.require("refund", refund_id)
    return books.change(found, "refund.updated", metadata=merged_metadata(found["metadata"], params.get("metadata")))


def list_(books: Books, params: Json) -> Json:
    rows = lists.matching(books.where("refund"), params, "charge", "payment_intent")
    return lists.page(books, rows, params, "/v1/refunds")


def _charge(books: Books, params: Json) -> Json:
    if "charge" in params:
        return books.require("charge", params["charge"], "charge")
    if "payment_intent" not in params:
        raise errors.invalid(
            "One of the following params should be provided for this request: payment_intent or charge."
        )
    intent = books.require("payment_intent", params["payment_intent"], "payment_intent")
    if intent["status"] != "succeeded":
        raise errors.invalid(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.", "payment_intent"
        )
    return books.get("charge", intent["latest_charge"])


ROUTES = [
    Route("POST", "/v1/refunds", RefundCreateParams, create, "amount charge metadata payment_intent reason"),
    Route("GET", "/v1/refunds", RefundListParams, list_),
    Route("GET", "/v1/refunds/{id}", NoParams, retrieve),
    Route("POST", "/v1/refunds/{id}", RefundUpdateParams, update),
]
