"""Owns `expand[]`: replaces ids by their objects, and adds the lists that Stripe shows only if they are expanded.

https://docs.stripe.com/api/expanding_objects
"""

from collections.abc import Callable
from typing import Any, cast

from devstack.stripe import errors, lists
from devstack.stripe.books import Books, public
from devstack.stripe.ids import noun_of
from devstack.stripe.jsontypes import Json

MAX_DEPTH = 4


def _line_items(books: Books, session: Json) -> Json:
    stored = books.get("checkout.session", session["id"])
    return lists.wrap(stored["_line_items"], f"/v1/checkout/sessions/{session['id']}/line_items")


def _refunds(books: Books, charge: Json) -> Json:
    return lists.wrap(books.where("refund", charge=charge["id"]), f"/v1/charges/{charge['id']}/refunds")


def _subscriptions(books: Books, customer: Json) -> Json:
    rows = [s for s in books.where("subscription", customer=customer["id"]) if s["status"] != "canceled"]
    return lists.wrap(rows, f"/v1/customers/{customer['id']}/subscriptions")


def _payments(books: Books, invoice: Json) -> Json:
    return lists.wrap(books.where("invoice_payment", invoice=invoice["id"]), "/v1/invoice_payments")


# Fields that an object has only if they are expanded: (object, field) -> its value.
ON_REQUEST: dict[tuple[str, str], Callable[[Books, Json], Any]] = {
    ("checkout.session", "line_items"): _line_items,
    ("charge", "refunds"): _refunds,
    ("customer", "subscriptions"): _subscriptions,
    ("invoice", "payments"): _payments,
}


def apply(books: Books, answer: Json, paths: list[str]) -> Json:
    """Expands each path in the answer, in place. Raises StripeFault 400 for a path that cannot be expanded."""
    for index, path in enumerate(paths):
        parts = path.split(".")
        if len(parts) > MAX_DEPTH:
            raise errors.invalid(
                f"You cannot expand more than {MAX_DEPTH} levels of a property. Property: {path}", f"expand[{index}]"
            )
        if answer.get("object") == "list" and parts[0] != "data":
            raise _refused(path, index, hint=True)
        _expand(books, answer, parts, path, index)
    return answer


def _expand(books: Books, node: Json, parts: list[str], path: str, index: int) -> None:
    field, rest = parts[0], parts[1:]
    provider = ON_REQUEST.get((node.get("object", ""), field))
    if provider is not None and node.get(field) is None:
        node[field] = provider(books, node)
    if field not in node:
        raise _refused(path, index)
    value = node[field]
    if isinstance(value, str):
        noun = noun_of(value)
        found = None if noun is None else _load(books, noun, value)
        if found is None:
            raise _refused(path, index)
        value = node[field] = public(found)
    if not rest and not isinstance(value, dict | list) and value is not None:
        raise _refused(path, index)
    if rest and value is not None:
        children: list[Any] = cast(list[Any], value) if isinstance(value, list) else [value]
        for child in children:
            _expand(books, child, rest, path, index)


def _load(books: Books, noun: str, object_id: str) -> Json | None:
    if noun == "authorization_code":
        return None
    return books.find(noun, object_id)


def _refused(path: str, index: int, *, hint: bool = False) -> errors.StripeFault:
    more = f" You may want to try expanding 'data.{path}' instead." if hint else ""
    return errors.invalid(f"This property cannot be expanded ({path}).{more}", f"expand[{index}]")
