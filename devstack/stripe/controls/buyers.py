"""Owns the controls that act as a buyer or the buyer's bank: payments, bank debits, refunds, disputes, cards."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from devstack.kit.controls import Refused, fields_of
from devstack.stripe import cards, checkout, disputes
from devstack.stripe.books import Books, public
from devstack.stripe.cards import Behaviour
from devstack.stripe.checkout import Declined, Tender
from devstack.stripe.controls.requests import tenant_of
from devstack.stripe.jsontypes import Json
from devstack.stripe.pages.checkout_page import pay as pay_page
from devstack.stripe.pages.portal_page import use_card
from devstack.stripe.resources import refunds
from devstack.stripe.stand_in import StandIn
from devstack.stripe.subscriptions import collection, timer

DEFAULT_CARD = "4242424242424242"
DEFAULT_BANK = "000123456789"


async def pay_session(stand_in: StandIn, request: Request) -> Response:
    """Pays a checkout session: `{"method"?, "card"?, "bankAccount"?, "email"?, "name"?}`. 402 if the payment is declined."""
    session_id = request.path_params["session_id"]
    tenant = tenant_of(stand_in, session_id)
    body = await fields_of(request)
    kind = body.get("method", "card")
    if kind not in ("card", "us_bank_account", "none"):
        raise Refused("`method` must be card, us_bank_account or none.")
    number = str(body.get("card") or body.get("bankAccount") or (DEFAULT_CARD if kind == "card" else DEFAULT_BANK))
    tender = Tender(
        email=body.get("email", "buyer@example.com"), kind=kind, number=number.replace(" ", ""), name=body.get("name")
    )
    try:
        session = await pay_page(stand_in, tenant, session_id, tender)
    except Declined as exc:
        return JSONResponse({"declined": True, "message": exc.message}, 402)
    return JSONResponse(public(session))


async def settle_session(stand_in: StandIn, request: Request) -> Response:
    """Ends the bank debit of a session: `{"outcome": "succeed" | "fail"}`."""
    session_id = request.path_params["session_id"]
    tenant = tenant_of(stand_in, session_id)
    outcome = (await fields_of(request)).get("outcome", "succeed")
    with stand_in.books(tenant) as books:
        session = books.get("checkout.session", session_id)
        if not session.get("_payment_intent"):
            raise Refused("This session has no payment in progress.")
        checkout.settle(books, session["_payment_intent"], succeed=outcome == "succeed")
        session = books.get("checkout.session", session_id)
    return JSONResponse(public(session))


async def refund(stand_in: StandIn, request: Request) -> Response:
    """Refunds a charge, as a seller does in the dashboard: `{"charge" | "payment_intent", "amount"?}`."""
    body = await fields_of(request)
    object_id = body.get("charge") or body.get("payment_intent") or ""
    with stand_in.books(tenant_of(stand_in, object_id)) as books:
        made = refunds.refund(books, _charge(books, object_id), body.get("amount"), body.get("reason"), {})
    return JSONResponse(public(made))


async def open_dispute(stand_in: StandIn, request: Request) -> Response:
    """Disputes a charge: `{"charge" | "payment_intent", "amount"?, "reason"?}`."""
    body = await fields_of(request)
    object_id = body.get("charge") or body.get("payment_intent") or ""
    with stand_in.books(tenant_of(stand_in, object_id)) as books:
        made = disputes.create(books, _charge(books, object_id), body.get("reason", "fraudulent"), body.get("amount"))
    return JSONResponse(public(made))


async def close_dispute(stand_in: StandIn, request: Request) -> Response:
    """Closes a dispute: `{"outcome": "won" | "lost"}`."""
    dispute_id = request.path_params["dispute_id"]
    outcome = (await fields_of(request)).get("outcome", "lost")
    with stand_in.books(tenant_of(stand_in, dispute_id)) as books:
        made = disputes.close(books, books.get("dispute", dispute_id), outcome)
    return JSONResponse(public(made))


def _charge(books: Books, object_id: str) -> Json:
    if object_id.startswith("ch_"):
        return books.get("charge", object_id)
    charge = books.get("payment_intent", object_id)["latest_charge"]
    if charge is None:
        raise Refused(f"{object_id} has no charge.")
    return books.get("charge", charge)


async def fail_method(stand_in: StandIn, request: Request) -> Response:
    """Makes charges of a payment method fail with `{"decline"}`, or succeed again if it is null.

    The id may also be that of a customer or a subscription; then it is about their payment methods.
    """
    object_id = request.path_params["object_id"]
    decline = (await fields_of(request)).get("decline", "generic_decline")
    if decline is not None and decline not in cards.DECLINES:
        raise Refused(f"`decline` must be null or one of {', '.join(cards.DECLINES)}.")
    with stand_in.books(tenant_of(stand_in, object_id)) as books:
        if object_id.startswith("pm_"):
            methods = [books.get("payment_method", object_id)]
        elif object_id.startswith("sub_"):
            method = collection.method_for(books, books.get("subscription", object_id))
            methods = [method] if method else []
        else:
            methods = books.where("payment_method", customer=object_id)
        for method in methods:
            books.change(method, _behaviour=Behaviour(decline=decline).to_json())
    return JSONResponse({"changed": [method["id"] for method in methods]})


async def replace_card(stand_in: StandIn, request: Request) -> Response:
    """Replaces a customer's card, as the customer does in the portal: `{"card"}`."""
    customer_id = request.path_params["customer_id"]
    number = str((await fields_of(request)).get("card", DEFAULT_CARD)).replace(" ", "")
    with stand_in.books(tenant_of(stand_in, customer_id)) as books:
        rows = [s for s in books.where("subscription", customer=customer_id) if s["status"] not in timer.ENDED]
        method = use_card(books, books.get("customer", customer_id), rows, number, 12, 2034)
    return JSONResponse(public(method))
