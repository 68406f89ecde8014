"""Owns the controls that act as an account's owner: create and connect an account, save the portal settings."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from devstack.kit.controls import Refused, fields_of
from devstack.stripe import accounts, oauth
from devstack.stripe.books import public
from devstack.stripe.resources import billing_portal_configurations
from devstack.stripe.stand_in import StandIn
from devstack.stripe.store import Tenant


async def list_accounts(stand_in: StandIn, request: Request) -> Response:
    links = stand_in.store.rows("SELECT account, livemode, scope, created FROM connections")
    return JSONResponse(
        {
            "platform": stand_in.config.platform_account,
            "accounts": [public(account) for account in oauth.connectable_accounts(stand_in)],
            "connections": [{**dict(row), "livemode": bool(row["livemode"])} for row in links],
        }
    )


async def create_account(stand_in: StandIn, request: Request) -> Response:
    """Creates a Stripe account. `connect: "test" | "live"` also connects it to the platform, without OAuth."""
    body = await fields_of(request)
    email = body.get("email", "merchant@example.com")
    made = accounts.build(
        stand_in.store,
        stand_in.clock.seconds(),
        email=email,
        name=body.get("name") or email.partition("@")[0],
        account_id=body.get("id"),
    )
    if body.get("connect"):
        oauth.connect(stand_in, made["id"], body.get("scope", "read_write"), body["connect"] == "live")
    return JSONResponse(made)


async def authorize(stand_in: StandIn, request: Request) -> Response:
    """Submits the consent page without a browser, and answers the redirect URL.

    The body has the query of the authorize URL, and `account` and `decision`.
    """
    body = await fields_of(request)
    query = {name: str(value) for name, value in body.items()}
    query.setdefault("response_type", "code")
    try:
        authorization = oauth.AuthorizationRequest(stand_in, query)
    except oauth.OAuthFault as exc:
        return exc.response()
    if query.get("decision", "allow") != "allow":
        return JSONResponse({"redirect": oauth.refuse(authorization)})
    account_id = query.get("account", "")
    if not account_id:
        email = query.get("email", "merchant@example.com")
        made = accounts.build(stand_in.store, stand_in.clock.seconds(), email=email, name=email.partition("@")[0])
        account_id = made["id"]
    elif stand_in.store.find(accounts.EVERYWHERE, "account", account_id) is None:
        raise Refused(f"There is no account {account_id}.")
    redirect = oauth.grant(stand_in, authorization, account_id)
    return JSONResponse({"redirect": redirect, "account": account_id})


async def disconnect(stand_in: StandIn, request: Request) -> Response:
    """Disconnects the platform, as the owner does in the dashboard: `{"mode": "test" | "live"}`."""
    mode = (await fields_of(request)).get("mode", "test")
    try:
        oauth.disconnect(stand_in, request.path_params["account_id"], mode == "live")
    except oauth.OAuthFault as exc:
        return exc.response()
    return JSONResponse({"disconnected": request.path_params["account_id"], "mode": mode})


async def portal_default(stand_in: StandIn, request: Request) -> Response:
    """Creates the default portal configuration, as saving it in the dashboard does: `{"account"?, "livemode"?}`."""
    body = await fields_of(request)
    tenant = Tenant(body.get("account") or stand_in.config.platform_account, bool(body.get("livemode", False)))
    with stand_in.books(tenant) as books:
        made = billing_portal_configurations.make_default(books)
    return JSONResponse(public(made))
