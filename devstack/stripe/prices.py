"""Creates prices and assigns lookup keys, for the prices API, products and checkout sessions."""

from decimal import Decimal
from typing import cast

from devstack.stripe import errors, money
from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json
from devstack.stripe.parameters import merged_metadata

MAX_AMOUNT = 99_999_999


def build(books: Books, params: Json, path: str = "") -> Json:
    """`path` is the parameter in which `params` are nested, for error messages. Raises StripeFault 400."""

    def at(name: str) -> str:
        return f"{path}[{name}]" if path else name

    if params.get("billing_scheme", "per_unit") != "per_unit":
        raise errors.invalid(
            "This local stand-in supports only per-unit prices with a fixed amount.", at("billing_scheme")
        )
    currency = money.currency(params["currency"], at("currency"))
    amount, exact = _amount(params, at("unit_amount"))
    recurring = params.get("recurring")
    if recurring is not None:
        recurring = {
            "interval": recurring["interval"],
            "interval_count": recurring.get("interval_count", 1),
            "meter": None,
            "trial_period_days": recurring.get("trial_period_days"),
            "usage_type": recurring.get("usage_type", "licensed"),
        }
        if recurring["usage_type"] != "licensed":
            raise errors.invalid("This local stand-in supports only licensed usage.", at("recurring[usage_type]"))
    price: Json = {
        **books.common_fields("price"),
        "active": params.get("active", True),
        "billing_scheme": "per_unit",
        "currency": currency,
        "custom_unit_amount": None,
        "lookup_key": None,
        "metadata": merged_metadata({}, params.get("metadata")),
        "nickname": params.get("nickname"),
        "product": params["product"],
        "recurring": recurring,
        "tax_behavior": params.get("tax_behavior", "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if recurring else "one_time",
        "unit_amount": amount,
        "unit_amount_decimal": exact,
    }
    if "lookup_key" in params:
        claim_lookup_key(books, params["lookup_key"], bool(params.get("transfer_lookup_key")), price["id"])
        price["lookup_key"] = params["lookup_key"]
    return books.add(price, "price.created")


def _amount(params: Json, param: str) -> tuple[int | None, str]:
    if "unit_amount" in params and "unit_amount_decimal" in params:
        raise errors.invalid("You may only specify one of these parameters: unit_amount, unit_amount_decimal.", param)
    if "unit_amount_decimal" in params:
        exact = cast(Decimal, params["unit_amount_decimal"])
        whole = int(exact) if exact == int(exact) else None
        if exact < 0:
            raise errors.invalid("Invalid non-negative integer", param)
        return whole, format(exact.normalize(), "f")
    if "unit_amount" not in params:
        raise errors.missing(param)
    amount = cast(int, params["unit_amount"])
    if amount < 0:
        raise errors.invalid("Invalid non-negative integer", param, "parameter_invalid_integer")
    if amount > MAX_AMOUNT:
        raise errors.invalid(f"Invalid integer: must be no more than {MAX_AMOUNT}", param, "amount_too_large")
    return amount, str(amount)


def claim_lookup_key(books: Books, key: str, transfer: bool, price_id: str) -> None:
    """Removes a lookup key from the price that has it, if `transfer`. Raises StripeFault 400 if another price has it."""
    for holder in books.where("price", lookup_key=key):
        if holder["id"] == price_id:
            continue
        if not transfer:
            raise errors.invalid(f"A price (`{holder['id']}`) already uses that lookup key.", "lookup_key")
        books.change(holder, "price.updated", lookup_key=None)
