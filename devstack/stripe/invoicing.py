"""Owns invoices: creates drafts, finalizes them, tries to collect them. It does not change subscriptions."""

from typing import Any

from devstack.kit.ids import random_text
from devstack.stripe import accounts, money, payments
from devstack.stripe.books import Books
from devstack.stripe.ids import new_id
from devstack.stripe.jsontypes import Json, section

FINALIZES_AFTER_SECONDS = 3600


def subscription_line(books: Books, item: Json, start: int, end: int, *, trial: bool = False) -> Json:
    """The invoice line of a subscription item for one period. `start` and `end` are in seconds since 1970."""
    price = item["price"]
    unit = 0 if trial else price["unit_amount"]
    product = books.get("product", price["product"])
    every = price["recurring"]
    span = every["interval"] if every["interval_count"] == 1 else f"{every['interval_count']} {every['interval']}s"
    description = (
        f"Trial period for {product['name']}"
        if trial
        else f"{item['quantity']} × {product['name']} (at {money.formatted(unit, price['currency'])} / {span})"
    )
    parent = {
        "invoice_item_details": None,
        "subscription_item_details": {
            "invoice_item": None,
            "proration": False,
            "proration_details": {"credited_items": None},
            "subscription": item["subscription"],
            "subscription_item": item["id"],
        },
        "type": "subscription_item_details",
    }
    return _line(
        books, unit * item["quantity"], price, item["quantity"], description, start, end, parent, item["subscription"]
    )


def pending_line(books: Books, pending: Json) -> Json:
    """The invoice line of a pending invoice item: a proration, or a one-time price that was bought with a subscription."""
    details = {
        "invoice_item": pending["id"],
        "proration": pending["proration"],
        "proration_details": {"credited_items": None},
        "subscription": pending["_subscription"],
    }
    if pending["_subscription_item"]:
        parent = {
            "invoice_item_details": None,
            "subscription_item_details": {**details, "subscription_item": pending["_subscription_item"]},
            "type": "subscription_item_details",
        }
    else:
        parent = {"invoice_item_details": details, "subscription_item_details": None, "type": "invoice_item_details"}
    period = pending["period"]
    line = _line(
        books, pending["amount"], pending["_price"], pending["quantity"], pending["description"],
        period["start"], period["end"], parent, pending["_subscription"],
    )  # fmt: skip
    return {**line, "discountable": not pending["proration"]}


def _line(
    books: Books,
    amount: int,
    price: Json,
    quantity: int,
    description: str,
    start: int,
    end: int,
    parent: Json,
    subscription: str | None,
) -> Json:
    return {
        "id": new_id("line_item"),
        "object": "line_item",
        "amount": amount,
        "currency": price["currency"],
        "description": description,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "livemode": books.livemode,
        "metadata": {},
        "parent": parent,
        "period": {"end": end, "start": start},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"],
        },
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "subscription": subscription,
        "subtotal": amount,
        "taxes": [],
    }


def add_pending(
    books: Books, subscription: Json, price: Json, amount: int, quantity: int, description: str, **fields: Any
) -> Json:
    """Creates a pending invoice item. The subscription's next invoice includes it."""
    item: Json = {
        **books.common_fields("invoiceitem"),
        "amount": amount,
        "currency": price["currency"],
        "customer": subscription["customer"],
        "customer_account": None,
        "date": books.now,
        "description": description,
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "metadata": {},
        "net_amount": amount,
        "parent": {
            "subscription_details": {"subscription": subscription["id"], "subscription_item": None},
            "type": "subscription_details",
        },
        "period": {"start": books.now, "end": books.now},
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"],
        },
        "proration": False,
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "tax_rates": [],
        "test_clock": None,
        "_subscription": subscription["id"],
        "_subscription_item": None,
        "_price": price,
    }
    del item["created"]
    item.update(fields)
    return books.add(item, "invoiceitem.created")


def draft(
    books: Books, subscription: Json, lines: list[Json], reason: str, start: int, end: int, *, waits: bool
) -> Json:
    """Creates a draft with `lines` and all pending invoice items. If `waits`, a timer finalizes it one hour later."""
    customer = books.get("customer", subscription["customer"])
    pending = [row for row in books.where("invoiceitem", _subscription=subscription["id"]) if row["invoice"] is None]
    lines = [pending_line(books, row) for row in reversed(pending)] + lines
    invoice_id = new_id("invoice")
    for line in lines:
        line["invoice"] = invoice_id
    total = sum(line["amount"] for line in lines)
    account = books.store.find(accounts.EVERYWHERE, "account", books.tenant.account) or {}
    invoice: Json = {
        "id": invoice_id,
        "object": "invoice",
        "account_country": account.get("country", "US"),
        "account_name": section(account.get("business_profile")).get("name"),
        "account_tax_ids": None,
        "amount_due": max(total, 0),
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": max(total, 0),
        "amount_shipping": 0,
        "application": subscription["application"],
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": waits,
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": False,
            "liability": None,
            "provider": None,
            "status": None,
        },
        "automatically_finalizes_at": books.now + FINALIZES_AFTER_SECONDS if waits else None,
        "billing_reason": reason,
        "collection_method": "charge_automatically",
        "created": books.now,
        "currency": subscription["currency"],
        "custom_fields": None,
        "customer": customer["id"],
        "customer_account": None,
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_shipping": customer["shipping"],
        "customer_tax_exempt": customer["tax_exempt"],
        "customer_tax_ids": [],
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "due_date": None,
        "effective_at": None,
        "ending_balance": None,
        "footer": None,
        "from_invoice": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "latest_revision": None,
        "lines": {
            "object": "list",
            "data": lines,
            "has_more": False,
            "total_count": len(lines),
            "url": f"/v1/invoices/{invoice_id}/lines",
        },
        "livemode": books.livemode,
        "metadata": {},
        "next_payment_attempt": books.now + FINALIZES_AFTER_SECONDS if waits else None,
        "number": None,
        "on_behalf_of": None,
        "parent": {
            "quote_details": None,
            "subscription_details": {"metadata": subscription["metadata"], "subscription": subscription["id"]},
            "type": "subscription_details",
        },
        "payment_settings": {"default_mandate": None, "payment_method_options": None, "payment_method_types": None},
        "period_end": end,
        "period_start": start,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": None,
        "rendering": None,
        "shipping_cost": None,
        "shipping_details": None,
        "starting_balance": 0,
        "statement_descriptor": None,
        "status": "draft",
        "status_transitions": {
            "finalized_at": None,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "test_clock": None,
        "total": total,
        "total_discount_amounts": [],
        "total_excluding_tax": total,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": None,
        "_subscription": subscription["id"],
    }
    for row in pending:
        books.change(row, invoice=invoice_id)
    books.add(invoice, "invoice.created")
    if waits:
        books.schedule("invoice.finalize", invoice_id, books.now + FINALIZES_AFTER_SECONDS)
    return invoice


def finalize(books: Books, invoice: Json) -> Json:
    """Changes a draft to `open`: sets its number, applies the customer's balance, creates a payment intent if something is due."""
    books.unschedule("invoice.finalize", invoice["id"])
    customer = books.get("customer", invoice["customer"])
    balance = customer.get("balance", 0)
    due = max(invoice["total"] + balance, 0)
    ending = min(invoice["total"] + balance, 0) if invoice["total"] < 0 or balance < 0 else 0
    sequence = customer.get("next_invoice_sequence", 1)
    if not customer.get("deleted"):
        books.change(
            customer,
            "customer.updated",
            balance=ending,
            next_invoice_sequence=sequence + 1,
            currency=invoice["currency"],
        )
    base = books.config.public_url
    subscription = books.get("subscription", invoice["_subscription"])
    details = {"metadata": subscription["metadata"], "subscription": subscription["id"]}
    invoice = books.change(
        invoice,
        parent={**invoice["parent"], "subscription_details": details},
        status="open",
        number=f"{customer.get('invoice_prefix', random_text(8).upper())}-{sequence:04d}",
        amount_due=due,
        amount_remaining=due,
        starting_balance=balance,
        ending_balance=ending,
        effective_at=books.now,
        auto_advance=True,
        automatically_finalizes_at=None,
        hosted_invoice_url=f"{base}/i/{invoice['id']}",
        invoice_pdf=f"{base}/i/{invoice['id']}/pdf",
        status_transitions={**invoice["status_transitions"], "finalized_at": books.now},
        webhooks_delivered_at=books.now,
    )
    books.emit("invoice.finalized", invoice)
    if due:
        creation = invoice["billing_reason"] == "subscription_create"
        intent = payments.open_intent(
            books,
            amount=due,
            currency=invoice["currency"],
            customer=invoice["customer"],
            description="Subscription creation" if creation else "Subscription update",
            setup_future_usage="off_session" if creation else None,
            receipt_email=invoice["customer_email"],
        )
        payment: Json = {
            **books.common_fields("invoice_payment"),
            "amount_paid": None,
            "amount_requested": due,
            "currency": invoice["currency"],
            "invoice": invoice["id"],
            "is_default": True,
            "payment": {"payment_intent": intent["id"], "type": "payment_intent"},
            "status": "open",
            "status_transitions": {"canceled_at": None, "paid_at": None},
            "_payment_intent": intent["id"],
        }
        books.add(payment)
    return invoice


def payment_of(books: Books, invoice: Json) -> Json | None:
    rows = books.where("invoice_payment", invoice=invoice["id"])
    return rows[0] if rows else None


def attempt(books: Books, invoice: Json, method: Json | None) -> tuple[Json, str]:
    """Tries once to collect an open invoice. Returns the invoice, and `paid`, `failed` or `processing`."""
    payment = payment_of(books, invoice)
    if payment is None or invoice["amount_remaining"] == 0:
        return mark_paid(books, invoice), "paid"
    intent = books.get("payment_intent", payment["_payment_intent"])
    if intent["status"] == "processing":
        return invoice, "processing"
    invoice = books.change(invoice, attempt_count=invoice["attempt_count"] + 1, attempted=True)
    if method is None:
        return invoice, "failed"
    intent = payments.confirm(books, intent, method)
    if intent["status"] == "succeeded":
        return mark_paid(books, invoice), "paid"
    return invoice, "processing" if intent["status"] == "processing" else "failed"


def mark_paid(books: Books, invoice: Json) -> Json:
    books.unschedule("invoice.retry", invoice["id"])
    payment = payment_of(books, invoice)
    if payment:
        payment = books.change(
            payment,
            status="paid",
            amount_paid=payment["amount_requested"],
            status_transitions={"canceled_at": None, "paid_at": books.now},
        )
        books.emit("invoice_payment.paid", payment)
    invoice = books.change(
        invoice,
        "invoice.updated",
        status="paid",
        amount_paid=invoice["amount_due"],
        amount_remaining=0,
        attempted=True,
        auto_advance=False,
        next_payment_attempt=None,
        status_transitions={**invoice["status_transitions"], "paid_at": books.now},
    )
    books.emit("invoice.paid", invoice)
    books.emit("invoice.payment_succeeded", invoice)
    return invoice
