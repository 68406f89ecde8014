"""Owns the pages that Clerk hosts for an instance: sign-up, sign-in and account. Here their URLs begin with the issuer.

https://clerk.com/docs/guides/customizing-clerk/account-portal
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from devstack.clerk import attempts, browsers, errors
from devstack.clerk.config import Instance
from devstack.clerk.pages.rendering import page
from devstack.clerk.stand_in import StandIn
from devstack.clerk.store import Document
from devstack.clerk.users import primary_email

View = Callable[["Visit"], Response]


class Visit:
    """One request to a hosted page: its browser, session and redirect URL."""

    def __init__(self, stand_in: StandIn, instance: Instance, request: Request, form: dict[str, str]) -> None:
        self.stand_in = stand_in
        self.instance = instance
        self.request = request
        self.form = form
        self.browser = browsers.of_hosted_page(stand_in, instance, request)

    @property
    def client(self) -> Document:
        return self.stand_in.sessions.ensure_client(self.instance, self.browser)

    @property
    def session(self) -> Document | None:
        client = self.stand_in.sessions.client_of(self.instance, self.browser)
        live = self.stand_in.sessions.live_of_client(self.instance, client) if client else []
        return live[0] if live else None

    def requested_url(self, flow: str) -> str:
        """The redirect URL in the query, in Clerk's order of precedence; empty if none. `flow` is sign_up or sign_in."""
        for name in (f"{flow}_force_redirect_url", "redirect_url", f"{flow}_fallback_redirect_url"):
            if self.request.query_params.get(name):
                return self.request.query_params[name]
        return ""

    def target(self, flow: str) -> str:
        """The requested redirect URL if it is allowed, else the account page, as at Clerk."""
        requested = self.requested_url(flow)
        return requested if requested and self.instance.may_redirect_to(requested) else self.instance.hosted_url("user")

    def redirect(self, url: str) -> Response:
        """Redirects the browser with its token, so that clerk-js on the other origin finds the session."""
        return self._with_cookies(RedirectResponse(browsers.with_token(self.instance, url, self.browser), 303))

    def redirect_to_page(self, path: str) -> Response:
        return self._with_cookies(RedirectResponse(self.instance.hosted_url(path), 303))

    def show(self, template: str, *, status: int = 200, error: str = "", **values: Any) -> Response:
        carried = {
            name: value
            for name, value in self.request.query_params.items()
            if name not in (browsers.DEV_BROWSER_PARAM, "__clerk_ticket", "email_address")
        }
        shown = page(
            template,
            status,
            instance=self.instance,
            prefix=self.instance.prefix,
            query=f"?{urlencode(carried)}" if carried else "",
            error=error,
            **values,
        )
        return self._with_cookies(shown)

    def _with_cookies(self, response: Response) -> Response:
        browsers.set_cookies(self.stand_in, self.instance, response, self.browser)
        return response


def routes(stand_in: StandIn, instance: Instance) -> list[Route]:
    """The table of pages, relative to the instance's issuer."""
    table: list[tuple[str, str, View]] = [
        ("/sign-up", "GET", _sign_up_form),
        ("/sign-up", "POST", _sign_up),
        ("/sign-in", "GET", _sign_in_form),
        ("/sign-in", "POST", _sign_in),
        ("/user", "GET", _account),
        ("/user", "POST", _save_profile),
        ("/user/sign-out", "POST", _sign_out),
        ("/user/delete", "POST", _delete_account),
    ]
    return [Route(path, _endpoint(stand_in, instance, view), methods=[method]) for path, method, view in table]


def _endpoint(stand_in: StandIn, instance: Instance, view: View) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        async with request.form() as form:
            fields = {key: value for key, value in form.items() if isinstance(value, str)}
        return view(Visit(stand_in, instance, request, fields))

    return endpoint


def _sign_up_form(visit: Visit) -> Response:
    if visit.session is not None:
        return visit.redirect(visit.target("sign_up"))
    return _show_form(visit, "sign_up", {"email_address": visit.request.query_params.get("email_address", "")})


def _sign_up(visit: Visit) -> Response:
    try:
        attempts.sign_up(visit.stand_in, visit.instance, visit.client, visit.form)
    except errors.ClerkError as error:
        return _show_form(visit, "sign_up", visit.form, error)
    return visit.redirect(visit.target("sign_up"))


def _sign_in_form(visit: Visit) -> Response:
    if visit.session is not None:
        return visit.redirect(visit.target("sign_in"))
    values = {"email_address": visit.request.query_params.get("email_address", "")}
    ticket = visit.request.query_params.get("__clerk_ticket")
    if not ticket:
        return _show_form(visit, "sign_in", values)
    try:
        attempts.sign_in(visit.stand_in, visit.instance, visit.client, {"strategy": "ticket", "ticket": ticket})
    except errors.ClerkError as error:
        return _show_form(visit, "sign_in", values, error)
    return visit.redirect(visit.target("sign_in"))


def _sign_in(visit: Visit) -> Response:
    fields = {"identifier": visit.form.get("email_address", ""), "password": visit.form.get("password", "")}
    try:
        attempt = attempts.sign_in(visit.stand_in, visit.instance, visit.client, fields)
        if attempt["status"] != "complete":
            raise errors.param_missing("password")
    except errors.ClerkError as error:
        return _show_form(visit, "sign_in", visit.form, error)
    return visit.redirect(visit.target("sign_in"))


def _show_form(visit: Visit, flow: str, values: dict[str, str], error: errors.ClerkError | None = None) -> Response:
    requested = visit.requested_url(flow)
    return visit.show(
        f"{flow}.html",
        status=error.status if error else 200,
        error=error.long_message if error else "",
        values=values,
        refused_redirect=requested if requested and not visit.instance.may_redirect_to(requested) else "",
    )


def _signed_out(visit: Visit) -> Response:
    return visit.redirect_to_page(f"sign-in?{urlencode({'redirect_url': visit.instance.hosted_url('user')})}")


def _account(visit: Visit) -> Response:
    session = visit.session
    if session is None:
        return _signed_out(visit)
    return _show_account(visit, session)


def _save_profile(visit: Visit) -> Response:
    session = visit.session
    if session is None:
        return _signed_out(visit)
    fields = {name: visit.form.get(name, "").strip() for name in ("first_name", "last_name")}
    visit.stand_in.users.update(visit.instance, session["user_id"], fields)
    return _show_account(visit, session, saved=True)


def _sign_out(visit: Visit) -> Response:
    session = visit.session
    if session is not None:
        visit.stand_in.sessions.end(visit.instance, session, "removed")
    requested = visit.request.query_params.get("redirect_url", "")
    return visit.redirect(requested) if requested and visit.instance.may_redirect_to(requested) else _signed_out(visit)


def _delete_account(visit: Visit) -> Response:
    session = visit.session
    if session is None:
        return _signed_out(visit)
    address = primary_email(visit.stand_in.users.get(visit.instance, session["user_id"]))
    if visit.form.get("confirmation", "").strip().lower() != address:
        return _show_account(visit, session, error="Type your email address exactly to delete the account.")
    visit.stand_in.delete_user(visit.instance, session["user_id"])
    return _signed_out(visit)


def _show_account(visit: Visit, session: Document, *, saved: bool = False, error: str = "") -> Response:
    user = visit.stand_in.users.get(visit.instance, session["user_id"])
    requested = visit.request.query_params.get("redirect_url", "")
    back = requested if requested and visit.instance.may_redirect_to(requested) else ""
    return visit.show(
        "account.html",
        status=422 if error else 200,
        error=error,
        user=user,
        email=primary_email(user),
        session=session,
        saved=saved,
        back_url=browsers.with_token(visit.instance, back, visit.browser) if back else "",
    )
