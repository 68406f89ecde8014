"""Owns the hosted checkout page: shows it, and reads the buyer's input."""

import re
from datetime import UTC, datetime
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from devstack.kit.ids import random_text
from devstack.stripe import accounts, checkout
from devstack.stripe.checkout import Declined, Tender
from devstack.stripe.events import Cause
from devstack.stripe.jsontypes import Json, section
from devstack.stripe.pages.rendering import page
from devstack.stripe.stand_in import StandIn
from devstack.stripe.store import Tenant

REDIRECT_WAITS_SECONDS = 10.0
_EXPIRY = re.compile(r"^\s*(\d{1,2})\s*/\s*(?:20)?(\d{2})\s*$")


async def show(stand_in: StandIn, request: Request) -> Response:
    found = _find(stand_in, request.path_params["session_id"])
    if found is None:
        return page(
            "gone.html",
            404,
            title="Not found",
            text="This checkout session does not exist. Go back to the shop and start again.",
        )
    tenant, session = found
    return _render(stand_in, tenant, session, {}, None)


async def submit(stand_in: StandIn, request: Request) -> Response:
    found = _find(stand_in, request.path_params["session_id"])
    if found is None:
        return page(
            "gone.html",
            404,
            title="Not found",
            text="This checkout session does not exist. Go back to the shop and start again.",
        )
    tenant, session = found
    if session["status"] == "complete":
        return RedirectResponse(_success_url(session), 303)
    form = await request.form()
    values = {name: str(value) for name, value in form.items()}
    try:
        tender = _tender(session, form)
    except Declined as exc:
        return _render(stand_in, tenant, session, values, exc)
    try:
        session = await pay(stand_in, tenant, session["id"], tender)
    except Declined as exc:
        return _render(stand_in, tenant, stand_in.reading(tenant).get("checkout.session", session["id"]), values, exc)
    return RedirectResponse(_success_url(session), 303)


async def pay(stand_in: StandIn, tenant: Tenant, session_id: str, tender: Tender) -> Json:
    """Pays a session, then waits until `checkout.session.completed` is delivered, ten seconds at most, as Stripe's page does.

    Raises Declined.
    """
    with stand_in.books(tenant, _cause()) as books:
        session = books.get("checkout.session", session_id)
        declined: Declined | None = None
        try:
            session = checkout.pay(books, session, tender)
        except Declined as exc:
            declined = exc  # raised after the transaction, so that the failed charge is stored
    if declined is not None:
        raise declined
    event = stand_in.store.row(
        "SELECT id FROM objects WHERE kind = 'event' AND account = ? AND livemode = ?"
        " AND json_extract(data, '$.type') = 'checkout.session.completed'"
        " AND json_extract(data, '$.data.object.id') = ? ORDER BY seq DESC",
        tenant.account, tenant.livemode, session_id,
    )  # fmt: skip
    if event is not None:
        await stand_in.deliveries.delivered(event["id"], REDIRECT_WAITS_SECONDS)
    return session


def _cause() -> Cause:
    return Cause(request_id=f"req_{random_text(14)}")


def _tender(session: Json, form: FormData) -> Tender:
    def field(name: str) -> str:
        return str(form.get(name, "")).strip()

    email = section(session["customer_details"]).get("email") or session["customer_email"] or field("email")
    if "@" not in email or " " in email:
        raise Declined("Your email is incomplete.", "email")
    name = field("billingName") or None
    if checkout.needs_no_method(session):
        return Tender(email=email, kind="none", number="", name=name)
    if field("method") == "us_bank_account":
        return Tender(email=email, kind="us_bank_account", number=field("bankAccount"), name=name)
    number = re.sub(r"[\s-]", "", field("cardNumber"))
    if not number:
        raise Declined("Your card number is incomplete.")
    month, year = expiry(field("cardExpiry"))
    if not re.fullmatch(r"\d{3,4}", field("cardCvc")):
        raise Declined("Your card's security code is incomplete.", "cardCvc")
    return Tender(email=email, kind="card", number=number, month=month, year=year, name=name)


def expiry(text: str) -> tuple[int, int]:
    """Month and year of `MM / YY`. Raises Declined if it is in the past by the real time, not by the stand-in's clock."""
    match = _EXPIRY.match(text)
    if match is None or not 1 <= int(match[1]) <= 12:
        raise Declined("Your card's expiration date is incomplete.", "cardExpiry")
    month, year = int(match[1]), 2000 + int(match[2])
    today = datetime.now(UTC)
    if (year, month) < (today.year, today.month):
        raise Declined("Your card's expiration year is in the past.", "cardExpiry")
    return month, year


def _success_url(session: Json) -> str:
    return session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])


def _find(stand_in: StandIn, session_id: str) -> tuple[Tenant, Json] | None:
    tenant = stand_in.store.tenant_of(session_id)
    session = stand_in.store.find(tenant, "checkout.session", session_id) if tenant else None
    return (tenant, session) if tenant and session else None


def _render(
    stand_in: StandIn, tenant: Tenant, session: Json, values: dict[str, str], error: Declined | None
) -> Response:
    if session["status"] == "expired":
        return page(
            "gone.html", 410, title="This checkout session has expired",
            text="Go back to the shop and start again.", back=session["cancel_url"], state="expired",
        )  # fmt: skip
    if session["status"] == "complete":
        return page(
            "gone.html", 200, title="You're all done here",
            text="You've already completed this checkout.", back=_success_url(session), state="complete",
        )  # fmt: skip
    seller = stand_in.store.find(accounts.EVERYWHERE, "account", tenant.account) or {}
    values_: dict[str, Any] = {
        "session": session,
        "lines": session["_line_items"],
        "seller": section(seller.get("business_profile")).get("name") or tenant.account,
        "values": values,
        "error": error,
        "no_method": checkout.needs_no_method(session),
        "fixed_email": section(session["customer_details"]).get("email") or session["customer_email"],
        "trial_days": session["_subscription_data"].get("trial_period_days"),
        "trial_end": session["_trial_end"],
    }
    return page("checkout.html", 200 if error is None else 402, **values_)
