"""Owns `/_devstack/`: what a test or a person at the laptop does to the stand-in. None of it exists at Stripe."""

import json
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from devstack.stripe import billing, cards, checkout, oauth
from devstack.stripe.books import public
from devstack.stripe.cards import Behaviour
from devstack.stripe.checkout import Declined, Tender
from devstack.stripe.deliveries import Rules
from devstack.stripe.errors import StripeFault
from devstack.stripe.faults import Fault
from devstack.stripe.jsontypes import Json
from devstack.stripe.pages.checkout_page import pay as pay_page
from devstack.stripe.pages.portal_page import use_card
from devstack.stripe.resources import accounts, billing_portal_configurations, disputes, refunds
from devstack.stripe.standin import StandIn
from devstack.stripe.store import Tenant

DEFAULT_CARD = "4242424242424242"
DEFAULT_BANK = "000123456789"
DEFAULT_IDLE_SECONDS = 10.0
LISTED = 500


class Refused(Exception):
    """A control that was asked for something impossible: 400 with a sentence."""


async def body_of(request: Request) -> Json:
    raw = await request.body()
    try:
        value: Any = json.loads(raw or b"{}")
    except ValueError:
        raise Refused("The body must be JSON.") from None
    if not isinstance(value, dict):
        raise Refused("The body must be a JSON object.")
    return value  # pyright: ignore[reportUnknownVariableType]


def _tenant_of(standin: StandIn, object_id: str) -> Tenant:
    tenant = standin.store.tenant_of(object_id)
    if tenant is None:
        raise Refused(f"There is no {object_id}.")
    return tenant


# health and clock


async def health(standin: StandIn, request: Request) -> Response:
    return JSONResponse({"ok": True, "now": standin.clock.now(), "platformAccount": standin.config.platform_account})


def _clock(standin: StandIn, **more: Any) -> Response:
    now = standin.clock.now()
    return JSONResponse(
        {
            "now": now,
            "iso": datetime.fromtimestamp(now).astimezone().isoformat(),
            "offsetSeconds": standin.clock.offset,
            **more,
        }
    )


async def read_clock(standin: StandIn, request: Request) -> Response:
    return _clock(standin)


async def move_clock(standin: StandIn, request: Request) -> Response:
    body = await body_of(request)
    if body.get("reset"):
        offset = 0
    elif "advanceSeconds" in body:
        offset = standin.clock.offset + int(body["advanceSeconds"])
    elif "to" in body:
        offset = standin.clock.offset + _moment(body["to"]) - standin.clock.now()
    else:
        raise Refused("Give advanceSeconds, to, or reset.")
    return _clock(standin, fired=await standin.move_clock(offset))


def _moment(value: Any) -> int:
    try:
        return int(value) if isinstance(value, int) else int(datetime.fromisoformat(value).timestamp())
    except (TypeError, ValueError):
        raise Refused("`to` is an ISO 8601 time or seconds since 1970.") from None


# buyers


async def pay_session(standin: StandIn, request: Request) -> Response:
    session_id = request.path_params["session_id"]
    tenant = _tenant_of(standin, session_id)
    body = await body_of(request)
    kind = body.get("method", "card")
    number = str(body.get("card") or body.get("bankAccount") or (DEFAULT_CARD if kind == "card" else DEFAULT_BANK))
    tender = Tender(
        email=body.get("email", "buyer@example.com"), kind=kind, number=number.replace(" ", ""), name=body.get("name")
    )
    try:
        session = await pay_page(standin, tenant, session_id, tender)
    except Declined as exc:
        return JSONResponse({"declined": True, "message": exc.message}, 402)
    return JSONResponse(public(session))


async def settle_session(standin: StandIn, request: Request) -> Response:
    """Ends the bank debit of a session: `{"outcome": "succeed" | "fail"}`."""
    session_id = request.path_params["session_id"]
    tenant = _tenant_of(standin, session_id)
    outcome = (await body_of(request)).get("outcome", "succeed")
    with standin.books(tenant) as books:
        session = books.get("checkout.session", session_id)
        if not session.get("_payment_intent"):
            raise Refused("This session has no payment under way.")
        checkout.settle(books, session["_payment_intent"], succeed=outcome == "succeed")
        session = books.get("checkout.session", session_id)
    return JSONResponse(public(session))


async def refund(standin: StandIn, request: Request) -> Response:
    """`{"charge" | "payment_intent", "amount"?}` as the seller does it in the dashboard."""
    body = await body_of(request)
    object_id = body.get("charge") or body.get("payment_intent") or ""
    with standin.books(_tenant_of(standin, object_id)) as books:
        made = refunds.refund(books, _charge(books, object_id), body.get("amount"), body.get("reason"), {})
    return JSONResponse(public(made))


async def open_dispute(standin: StandIn, request: Request) -> Response:
    body = await body_of(request)
    object_id = body.get("charge") or body.get("payment_intent") or ""
    with standin.books(_tenant_of(standin, object_id)) as books:
        made = disputes.open_(books, _charge(books, object_id), body.get("reason", "fraudulent"), body.get("amount"))
    return JSONResponse(public(made))


async def close_dispute(standin: StandIn, request: Request) -> Response:
    dispute_id = request.path_params["dispute_id"]
    outcome = (await body_of(request)).get("outcome", "lost")
    with standin.books(_tenant_of(standin, dispute_id)) as books:
        made = disputes.settle(books, books.get("dispute", dispute_id), outcome)
    return JSONResponse(public(made))


def _charge(books: Any, object_id: str) -> Json:
    if object_id.startswith("ch_"):
        return books.get("charge", object_id)
    charge = books.get("payment_intent", object_id)["latest_charge"]
    if charge is None:
        raise Refused(f"{object_id} has no charge.")
    return books.get("charge", charge)


async def fail_method(standin: StandIn, request: Request) -> Response:
    """From now on charges of a payment method (or of a customer's or subscription's) decline, or pay again with `null`."""
    object_id = request.path_params["object_id"]
    decline = (await body_of(request)).get("decline", "generic_decline")
    if decline is not None and decline not in cards.DECLINES:
        raise Refused(f"`decline` is null or one of {', '.join(cards.DECLINES)}.")
    with standin.books(_tenant_of(standin, object_id)) as books:
        if object_id.startswith("pm_"):
            methods = [books.get("payment_method", object_id)]
        elif object_id.startswith("sub_"):
            method = billing.method_for(books, books.get("subscription", object_id))
            methods = [method] if method else []
        else:
            methods = books.where("payment_method", customer=object_id)
        for method in methods:
            books.change(method, _behaviour=Behaviour(decline=decline).to_json())
    return JSONResponse({"changed": [method["id"] for method in methods]})


async def replace_card(standin: StandIn, request: Request) -> Response:
    """A customer enters a new card: `{"card"}`."""
    customer_id = request.path_params["customer_id"]
    number = str((await body_of(request)).get("card", DEFAULT_CARD)).replace(" ", "")
    with standin.books(_tenant_of(standin, customer_id)) as books:
        rows = [s for s in books.where("subscription", customer=customer_id) if s["status"] not in billing.ENDED]
        method = use_card(books, books.get("customer", customer_id), rows, number, 12, 2034)
    return JSONResponse(public(method))


# sellers


async def list_accounts(standin: StandIn, request: Request) -> Response:
    links = standin.store.rows("SELECT account, livemode, scope, created FROM connections")
    return JSONResponse(
        {
            "platform": standin.config.platform_account,
            "accounts": [public(account) for account in oauth.others(standin)],
            "connections": [{**dict(row), "livemode": bool(row["livemode"])} for row in links],
        }
    )


async def create_account(standin: StandIn, request: Request) -> Response:
    """A Stripe account that exists; with `connect: "test" | "live"` it is also linked, without any OAuth."""
    body = await body_of(request)
    email = body.get("email", "merchant@example.com")
    made = accounts.build(
        standin.store,
        standin.clock.now(),
        email=email,
        name=body.get("name") or email.partition("@")[0],
        account_id=body.get("id"),
    )
    if body.get("connect"):
        oauth.connect(standin, made["id"], body.get("scope", "read_write"), body["connect"] == "live")
    return JSONResponse(made)


async def authorize(standin: StandIn, request: Request) -> Response:
    """The consent page without a browser: the authorize URL's query, plus `account` and `decision`; answers the redirect."""
    body = await body_of(request)
    query = {name: str(value) for name, value in body.items()}
    query.setdefault("response_type", "code")
    try:
        ask = oauth.Ask(standin, query)
    except oauth.OAuthFault as exc:
        return exc.response()
    if query.get("decision", "allow") != "allow":
        return JSONResponse({"redirect": oauth.refuse(ask)})
    account_id = query.get("account", "")
    if not account_id:
        email = query.get("email", "merchant@example.com")
        account_id = accounts.build(standin.store, standin.clock.now(), email=email, name=email.partition("@")[0])["id"]
    elif standin.store.find(accounts.EVERYWHERE, "account", account_id) is None:
        raise Refused(f"There is no {account_id}.")
    redirect = oauth.grant(standin, ask, account_id)
    return JSONResponse({"redirect": redirect, "account": account_id})


async def disconnect(standin: StandIn, request: Request) -> Response:
    """The owner removes the platform in their dashboard: `{"mode": "test" | "live"}`."""
    mode = (await body_of(request)).get("mode", "test")
    try:
        oauth.disconnect(standin, request.path_params["account_id"], mode == "live")
    except oauth.OAuthFault as exc:
        return exc.response()
    return JSONResponse({"disconnected": request.path_params["account_id"], "mode": mode})


async def portal_default(standin: StandIn, request: Request) -> Response:
    """Saves the portal settings in the dashboard: `{"account"?, "livemode"?}`."""
    body = await body_of(request)
    tenant = Tenant(body.get("account") or standin.config.platform_account, bool(body.get("livemode", False)))
    with standin.books(tenant) as books:
        made = billing_portal_configurations.make_default(books)
    return JSONResponse(public(made))


# webhooks


async def webhooks(standin: StandIn, request: Request) -> Response:
    """The deliveries, newest first; `?event=`, `?type=`, `?state=`, `?account=` filter."""
    columns = {"event": "event_id", "type": "event_type", "state": "state", "account": "account", "object": "object_id"}
    clauses = [f"{columns[name]} = ?" for name in request.query_params if name in columns]
    values = [value for name, value in request.query_params.items() if name in columns]
    where = f"WHERE {' AND '.join(clauses)}" if clauses else ""
    rows = standin.store.rows(f"SELECT * FROM deliveries {where} ORDER BY id DESC LIMIT {LISTED}", *values)  # noqa: S608
    return JSONResponse({"deliveries": [_delivery(row) for row in rows], "paused": standin.dispatcher.paused})


def _delivery(row: Any) -> Json:
    return {
        "id": row["id"],
        "event": row["event_id"],
        "type": row["event_type"],
        "object": row["object_id"],
        "account": row["account"],
        "livemode": bool(row["livemode"]),
        "url": row["url"],
        "endpoint": row["endpoint"],
        "state": "queued" if row["state"] == "new" else row["state"],
        "attempts": row["attempts"],
        "status": row["status"],
        "error": row["error"],
        "due": row["due"],
    }


async def webhooks_pending(standin: StandIn, request: Request) -> Response:
    rows = standin.store.rows("SELECT * FROM deliveries WHERE state IN ('new', 'queued') ORDER BY position, id")
    return JSONResponse({"deliveries": [_delivery(row) for row in rows], "paused": standin.dispatcher.paused})


async def webhooks_idle(standin: StandIn, request: Request) -> Response:
    timeout = float(request.query_params.get("timeout", DEFAULT_IDLE_SECONDS))
    idle = await standin.dispatcher.idle(timeout)
    rows = standin.store.rows("SELECT * FROM deliveries WHERE state IN ('new', 'queued') ORDER BY id")
    return JSONResponse(
        {"idle": idle, "paused": standin.dispatcher.paused, "pending": [_delivery(row) for row in rows]}
    )


async def webhooks_pause(standin: StandIn, request: Request) -> Response:
    await standin.dispatcher.pause()
    return JSONResponse({"paused": True})


async def webhooks_resume(standin: StandIn, request: Request) -> Response:
    body = await body_of(request)
    standin.dispatcher.resume(body.get("order"), shuffle=bool(body.get("shuffle")))
    return JSONResponse({"paused": False})


async def webhooks_rules(standin: StandIn, request: Request) -> Response:
    if request.method == "POST":
        body = await body_of(request)
        names = {
            "shuffle": "shuffle",
            "seed": "seed",
            "duplicate": "duplicate",
            "delaySeconds": "delay_seconds",
            "drop": "drop",
            "types": "types",
        }
        strangers = set(body) - set(names)
        if strangers:
            raise Refused(f"Unknown rule {min(strangers)}; known: {', '.join(names)}.")
        standin.dispatcher.set_rules(Rules(**{names[name]: value for name, value in body.items()}))
    elif request.method == "DELETE":
        standin.dispatcher.set_rules(Rules())
    rules = standin.dispatcher.rules
    return JSONResponse({
        "shuffle": rules.shuffle, "seed": rules.seed, "duplicate": rules.duplicate, "delaySeconds": rules.delay_seconds,
        "drop": rules.drop, "types": rules.types,
    })  # fmt: skip


async def webhooks_deliver(standin: StandIn, request: Request) -> Response:
    """`{"ids": [...]}` in that order, or everything that waits; also when paused."""
    body = await body_of(request)
    rows = standin.store.rows("SELECT id FROM deliveries WHERE state IN ('new', 'queued') ORDER BY position, id")
    await standin.dispatcher.deliver(body.get("ids") or [row["id"] for row in rows])
    return JSONResponse({"ok": True})


async def webhooks_resend(standin: StandIn, request: Request) -> Response:
    body = await body_of(request)
    made = standin.dispatcher.resend(body.get("event", ""), body.get("url"))
    if not made:
        raise Refused("This event went to no endpoint.")
    return JSONResponse({"ids": made})


async def webhooks_retry(standin: StandIn, request: Request) -> Response:
    """What waits for its next attempt is tried now."""
    standin.dispatcher.retry_now()
    return JSONResponse({"ok": True})


async def events(standin: StandIn, request: Request) -> Response:
    """Every account's events, newest first; `?type=`, `?object=`, `?account=`."""
    rows = standin.store.rows("SELECT data FROM objects WHERE kind = 'event' ORDER BY seq DESC LIMIT ?", LISTED * 4)
    found = [json.loads(row["data"]) for row in rows]
    for name, read in {
        "type": lambda event: event["type"],
        "object": lambda event: event["data"]["object"].get("id"),
        "account": lambda event: event.get("account", standin.config.platform_account),
    }.items():  # type: ignore[misc]
        wanted = request.query_params.get(name)
        if wanted:
            found = [event for event in found if read(event) == wanted]
    return JSONResponse({"events": found[:LISTED]})


# faults and counts


async def faults(standin: StandIn, request: Request) -> Response:
    if request.method == "POST":
        body = await body_of(request)
        known = {"method", "path", "times", "status", "seconds", "after", "code"}
        strangers = set(body) - known
        if strangers or "path" not in body:
            raise Refused(f"A fault has a path and may have {', '.join(sorted(known - {'path'}))}.")
        standin.faults.waiting.append(Fault(**{"method": "*", **body}))
    elif request.method == "DELETE":
        standin.faults.waiting.clear()
    return JSONResponse({"faults": [fault.__dict__ for fault in standin.faults.waiting]})


async def calls(standin: StandIn, request: Request) -> Response:
    if request.method == "DELETE":
        standin.calls.seen.clear()
    query = request.query_params
    return JSONResponse(standin.calls.summary(query.get("method"), query.get("path"), query.get("account")))


def refused(exc: Exception) -> Response:
    message = exc.message if isinstance(exc, StripeFault) else str(exc)
    return JSONResponse({"error": message}, 400)
