"""Owns the Connect consent page: who asks, which account says yes or no."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from devstack.stripe import oauth
from devstack.stripe.pages.rendering import page
from devstack.stripe.resources import accounts
from devstack.stripe.standin import StandIn


async def show(standin: StandIn, request: Request) -> Response:
    try:
        ask = oauth.Ask(standin, dict(request.query_params))
    except oauth.OAuthFault as exc:
        return exc.response()
    return page("connect.html", ask=ask, accounts=oauth.others(standin), platform=standin.config.platform_name)


async def decide(standin: StandIn, request: Request) -> Response:
    form = {name: str(value) for name, value in (await request.form()).items()}
    try:
        ask = oauth.Ask(standin, form)
    except oauth.OAuthFault as exc:
        return exc.response()
    if form.get("decision") != "allow":
        return RedirectResponse(oauth.refuse(ask), 303)
    account_id = form.get("account", "new")
    if account_id not in {account["id"] for account in oauth.others(standin)}:
        email = form.get("email", "").strip() or "merchant@example.com"
        name = form.get("business_name", "").strip() or email.partition("@")[0]
        account_id = accounts.build(standin.store, standin.clock.now(), email=email, name=name)["id"]
    return RedirectResponse(oauth.grant(standin, ask, account_id), 303)
