"""Owns the hosted billing portal: a customer's subscriptions, and the pages that change them."""

import re

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from devstack.kit.ids import random_text
from devstack.stripe import accounts, cards, payments
from devstack.stripe.books import Books
from devstack.stripe.checkout import Declined
from devstack.stripe.events import Cause
from devstack.stripe.jsontypes import Json, section
from devstack.stripe.pages.checkout_page import expiry
from devstack.stripe.pages.rendering import page
from devstack.stripe.resources.billing_portal_sessions import LIFE_SECONDS
from devstack.stripe.stand_in import StandIn
from devstack.stripe.store import Tenant
from devstack.stripe.subscriptions import cancellation, changes, collection, timer
from devstack.stripe.subscriptions.items import items_of, period_of, plan_of


class _Visit:
    """A request to a portal session that has not expired, with the data that its pages show."""

    def __init__(self, stand_in: StandIn, tenant: Tenant, session: Json) -> None:
        self.stand_in = stand_in
        self.tenant = tenant
        self.session = session
        self.books = stand_in.reading(tenant)
        self.features: Json = self.books.get("billing_portal.configuration", session["configuration"])["features"]
        self.customer = self.books.get("customer", session["customer"])

    @property
    def home(self) -> str:
        return f"/p/session/{self.session['_token']}"

    def subscriptions(self) -> list[Json]:
        rows = self.books.where("subscription", customer=self.customer["id"])
        return [row for row in rows if row["status"] not in timer.ENDED]

    def subscription(self, subscription_id: str) -> Json | None:
        return next((row for row in self.subscriptions() if row["id"] == subscription_id), None)

    def options(self, subscription: Json) -> list[Json]:
        """The prices to which the configuration allows this subscription to switch."""
        current = items_of(subscription)[0]["price"]["id"]
        found: list[Json] = []
        for product in self.features["subscription_update"]["products"]:
            for price_id in product["prices"]:
                price = self.books.find("price", price_id)
                if price and price["active"] and price["currency"] == subscription["currency"]:
                    found.append({**price, "_name": self.name(price), "_current": price_id == current})
        return found

    def name(self, price: Json) -> str:
        return self.books.get("product", price["product"])["name"]

    def render(self, template: str, status: int = 200, **values: object) -> Response:
        seller = self.stand_in.store.find(accounts.EVERYWHERE, "account", self.tenant.account) or {}
        return page(
            template, status,
            session=self.session, customer=self.customer, features=self.features, home=self.home,
            flow=self.session["flow"], seller=section(seller.get("business_profile")).get("name") or self.tenant.account,
            name=self.name, **values,
        )  # fmt: skip

    def done(self, message: str) -> Response:
        """The answer after a change: the flow's `after_completion`, or without a flow the portal's first page."""
        flow: Json | None = self.session["flow"]
        if flow is None:
            return RedirectResponse(self.home, 303)
        after: Json = flow["after_completion"]
        if after["type"] == "redirect":
            return RedirectResponse(after["redirect"]["return_url"], 303)
        if after["type"] == "hosted_confirmation":
            custom = section(after["hosted_confirmation"]).get("custom_message")
            return self.render("portal_done.html", message=custom or message)
        return RedirectResponse(f"{self.home}?home=1", 303)


def _visit(stand_in: StandIn, token: str) -> _Visit | None:
    row = stand_in.store.row(
        "SELECT id, account, livemode FROM objects WHERE kind = 'billing_portal.session' AND json_extract(data, '$._token') = ?",
        token,
    )
    if row is None:
        return None
    tenant = Tenant(row["account"], bool(row["livemode"]))
    session = stand_in.store.find(tenant, "billing_portal.session", row["id"])
    if session is None or stand_in.clock.seconds() - session["created"] > LIFE_SECONDS:
        return None
    return _Visit(stand_in, tenant, session)


def _expired() -> Response:
    return page(
        "gone.html",
        410,
        title="This link has expired",
        text="Go back to the site and open the billing portal again.",
        state="expired",
    )


async def home(stand_in: StandIn, request: Request) -> Response:
    visit = _visit(stand_in, request.path_params["token"])
    if visit is None:
        return _expired()
    flow: Json | None = visit.session["flow"]
    if flow and "home" not in request.query_params:
        return RedirectResponse(visit.home + _flow_path(flow), 303)
    method = None
    for subscription in visit.subscriptions():
        method = method or collection.method_for(visit.books, subscription)
    invoices = (
        visit.books.where("invoice", customer=visit.customer["id"])
        if visit.features["invoice_history"]["enabled"]
        else []
    )
    return visit.render(
        "portal.html", subscriptions=visit.subscriptions(), method=method,
        invoices=[row for row in invoices if row["status"] != "draft"],
    )  # fmt: skip


def _flow_path(flow: Json) -> str:
    kind = flow["type"]
    if kind == "payment_method_update":
        return "/payment-methods"
    subscription = flow[kind]["subscription"]
    if kind == "subscription_update_confirm":
        item = flow[kind]["items"][0]
        return f"/subscriptions/{subscription}/update/{item.get('price', 'same')}?quantity={item.get('quantity', '')}"
    return f"/subscriptions/{subscription}/{'cancel' if kind == 'subscription_cancel' else 'update'}"


async def action(stand_in: StandIn, request: Request) -> Response:
    """`/subscriptions/{id}/cancel`, `/renew` and `/update`: GET shows the page, POST makes the change."""
    visit = _visit(stand_in, request.path_params["token"])
    if visit is None:
        return _expired()
    subscription = visit.subscription(request.path_params["subscription_id"])
    if subscription is None:
        return page(
            "gone.html", 404, title="Not found", text="This subscription does not exist.", back=f"{visit.home}?home=1"
        )
    name = request.path_params["action"]
    if name == "cancel" and visit.features["subscription_cancel"]["enabled"]:
        return await _cancel(visit, subscription, request)
    if name == "renew" and visit.features["subscription_cancel"]["enabled"]:
        return _renew(visit, subscription, request)
    if name == "update" and visit.features["subscription_update"]["enabled"]:
        return visit.render("portal_update.html", subscription=subscription, options=visit.options(subscription))
    return page(
        "gone.html",
        404,
        title="Not available",
        text="This portal does not allow this change.",
        back=f"{visit.home}?home=1",
    )


async def _cancel(visit: _Visit, subscription: Json, request: Request) -> Response:
    feature: Json = visit.features["subscription_cancel"]
    if request.method == "GET":
        return visit.render(
            "portal_cancel.html",
            subscription=subscription,
            period_end=period_of(subscription)[1],
            mode=feature["mode"],
        )
    form = await request.form()
    feedback = str(form.get("feedback", "")) or None
    with visit.stand_in.books(visit.tenant, _cause()) as books:
        if feature["mode"] == "immediately":
            cancellation.end(books, subscription, reason="cancellation_requested", details={"feedback": feedback})
        else:
            cancellation.schedule_end(
                books,
                subscription,
                at_period_end=False,
                moment=period_of(subscription)[1],
                details={"feedback": feedback},
            )
    return visit.done("Your subscription has been canceled.")


def _renew(visit: _Visit, subscription: Json, request: Request) -> Response:
    if request.method == "GET":
        return visit.render("portal_renew.html", subscription=subscription)
    with visit.stand_in.books(visit.tenant, _cause()) as books:
        cancellation.undo(books, subscription)
    return visit.done("Your subscription has been renewed.")


async def update(stand_in: StandIn, request: Request) -> Response:
    """`/subscriptions/{id}/update/{price}`: GET asks for confirmation, POST switches the plan."""
    visit = _visit(stand_in, request.path_params["token"])
    if visit is None:
        return _expired()
    subscription = visit.subscription(request.path_params["subscription_id"])
    price = visit.books.find("price", request.path_params["price_id"])
    feature: Json = visit.features["subscription_update"]
    if subscription is None or price is None or not feature["enabled"]:
        return page(
            "gone.html",
            404,
            title="Not available",
            text="This portal does not allow this change.",
            back=f"{visit.home}?home=1",
        )
    if price["id"] not in {option["id"] for option in visit.options(subscription)}:
        return page(
            "gone.html", 404, title="Not available", text="This plan is not available.", back=f"{visit.home}?home=1"
        )
    item = items_of(subscription)[0]
    quantity = int(request.query_params.get("quantity") or item["quantity"])
    if request.method == "GET":
        return visit.render(
            "portal_confirm.html", subscription=subscription, price=price, old=item["price"], quantity=quantity
        )
    with visit.stand_in.books(visit.tenant, _cause()) as books:
        changed = {**item, "price": price, "plan": plan_of(price), "quantity": quantity}
        items = [changed if row["id"] == item["id"] else row for row in items_of(subscription)]
        changes.switch(books, subscription, items, feature["proration_behavior"])
    return visit.done("Your subscription has been updated.")


async def customer(stand_in: StandIn, request: Request) -> Response:
    """Changes name and email, if the configuration allows it."""
    visit = _visit(stand_in, request.path_params["token"])
    if visit is None:
        return _expired()
    feature: Json = visit.features["customer_update"]
    fields = (
        [name for name in ("name", "email") if name in (feature["allowed_updates"] or [])] if feature["enabled"] else []
    )
    if not fields:
        return page(
            "gone.html",
            404,
            title="Not available",
            text="This portal does not allow this change.",
            back=f"{visit.home}?home=1",
        )
    if request.method == "GET":
        return visit.render("portal_customer.html", fields=fields, error=None)
    form = await request.form()
    changes = {name: str(form.get(name, "")).strip() or None for name in fields}
    if "email" in changes and "@" not in (changes["email"] or ""):
        return visit.render("portal_customer.html", 402, fields=fields, error="Your email is incomplete.")
    with visit.stand_in.books(visit.tenant, _cause()) as books:
        books.change(visit.customer, "customer.updated", **changes)
    return visit.done("Your billing information has been updated.")


async def payment_methods(stand_in: StandIn, request: Request) -> Response:
    visit = _visit(stand_in, request.path_params["token"])
    if visit is None:
        return _expired()
    if not visit.features["payment_method_update"]["enabled"]:
        return page(
            "gone.html",
            404,
            title="Not available",
            text="This portal does not allow this change.",
            back=f"{visit.home}?home=1",
        )
    if request.method == "GET":
        return visit.render("portal_payment_method.html", error=None, values={})
    form = await request.form()
    values = {name: str(value) for name, value in form.items()}
    try:
        number = re.sub(r"[\s-]", "", values.get("cardNumber", ""))
        if not cards.number_is_valid(number):
            raise Declined("Your card number is invalid.")
        month, year = expiry(values.get("cardExpiry", ""))
        decline = cards.card_behaviour(number)
        if decline.decline and decline.declines_after == 0:
            raise Declined(cards.DECLINES[decline.decline][1])
    except Declined as exc:
        return visit.render("portal_payment_method.html", 402, error=exc, values=values)
    with visit.stand_in.books(visit.tenant, _cause()) as books:
        use_card(books, visit.customer, visit.subscriptions(), number, month, year)
    return visit.done("Your payment method has been updated.")


def use_card(books: Books, customer: Json, subscriptions: list[Json], number: str, month: int, year: int) -> Json:
    """Makes a new card the default payment method of the customer and of these subscriptions."""
    method = payments.attach_card(
        books, customer, number, month, year, {"email": customer["email"], "name": customer["name"]}
    )
    settings = {**customer["invoice_settings"], "default_payment_method": method["id"]}
    books.change(customer, "customer.updated", invoice_settings=settings)
    for subscription in subscriptions:
        books.change(subscription, "customer.subscription.updated", default_payment_method=method["id"])
    return method


def _cause() -> Cause:
    return Cause(request_id=f"req_{random_text(14)}")
