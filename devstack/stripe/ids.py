"""Owns identifiers: the prefix and length that Stripe uses for each noun."""

from devstack.kit.ids import random_text

# noun -> (prefix with its first digit, number of random characters after it)
_SHAPES: dict[str, tuple[str, int]] = {
    "account": ("acct_1", 15),
    "authorization_code": ("ac_", 32),
    "balance_transaction": ("txn_3", 23),
    "billing_portal.configuration": ("bpc_1", 23),
    "billing_portal.session": ("bps_1", 23),
    "charge": ("ch_3", 23),
    "customer": ("cus_", 14),
    "dispute": ("du_1", 23),
    "event": ("evt_1", 23),
    "invoice": ("in_1", 23),
    "invoice_payment": ("inpay_1", 23),
    "invoiceitem": ("ii_1", 23),
    "item": ("li_1", 23),
    "line_item": ("il_1", 23),
    "payment_intent": ("pi_3", 23),
    "payment_method": ("pm_1", 23),
    "price": ("price_1", 23),
    "product": ("prod_", 14),
    "refund": ("re_3", 23),
    "request": ("req_", 14),
    "subscription": ("sub_1", 23),
    "subscription_item": ("si_", 14),
}


def new_id(noun: str) -> str:
    prefix, length = _SHAPES[noun]
    return prefix + random_text(length)


def new_checkout_session_id(livemode: bool) -> str:
    return f"cs_{'live' if livemode else 'test'}_a1{random_text(56)}"


def noun_of(identifier: str) -> str | None:
    """The noun of an id, by its prefix, or None. `expand[]` uses it to find the object of an id."""
    prefix = identifier.partition("_")[0] + "_"
    if prefix == "cs_":
        return "checkout.session"
    return next((noun for noun, (lead, _) in _SHAPES.items() if lead.startswith(prefix)), None)
