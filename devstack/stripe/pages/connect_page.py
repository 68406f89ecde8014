"""Owns the Connect consent page, on which a person chooses an account and agrees or refuses."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from devstack.stripe import accounts, oauth
from devstack.stripe.pages.rendering import page
from devstack.stripe.stand_in import StandIn


async def show(stand_in: StandIn, request: Request) -> Response:
    try:
        authorization = oauth.AuthorizationRequest(stand_in, dict(request.query_params))
    except oauth.OAuthFault as exc:
        return exc.response()
    return page(
        "connect.html",
        authorization=authorization,
        accounts=oauth.connectable_accounts(stand_in),
        platform=stand_in.config.platform_name,
    )


async def decide(stand_in: StandIn, request: Request) -> Response:
    form = {name: str(value) for name, value in (await request.form()).items()}
    try:
        authorization = oauth.AuthorizationRequest(stand_in, form)
    except oauth.OAuthFault as exc:
        return exc.response()
    if form.get("decision") != "allow":
        return RedirectResponse(oauth.refuse(authorization), 303)
    account_id = form.get("account", "new")
    if account_id not in {account["id"] for account in oauth.connectable_accounts(stand_in)}:
        email = form.get("email", "").strip() or "merchant@example.com"
        name = form.get("business_name", "").strip() or email.partition("@")[0]
        account_id = accounts.build(stand_in.store, stand_in.clock.seconds(), email=email, name=name)["id"]
    return RedirectResponse(oauth.grant(stand_in, authorization, account_id), 303)
