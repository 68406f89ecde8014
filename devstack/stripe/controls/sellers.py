"""Owns the controls that act for the owner of an account: having one, connecting it, saving portal settings."""

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
            "accounts": [public(account) for account in oauth.others(stand_in)],
            "connections": [{**dict(row), "livemode": bool(row["livemode"])} for row in links],
        }
    )


async def create_account(stand_in: StandIn, request: Request) -> Response:
    """A Stripe account that exists; with `connect: "test" | "live"` it is also linked, without any OAuth."""
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
    """The consent page without a browser: the authorize URL's query, plus `account` and `decision`; answers the redirect."""
    body = await fields_of(request)
    query = {name: str(value) for name, value in body.items()}
    query.setdefault("response_type", "code")
    try:
        ask = oauth.Ask(stand_in, query)
    except oauth.OAuthFault as exc:
        return exc.response()
    if query.get("decision", "allow") != "allow":
        return JSONResponse({"redirect": oauth.refuse(ask)})
    account_id = query.get("account", "")
    if not account_id:
        email = query.get("email", "merchant@example.com")
        made = accounts.build(stand_in.store, stand_in.clock.seconds(), email=email, name=email.partition("@")[0])
        account_id = made["id"]
    elif stand_in.store.find(accounts.EVERYWHERE, "account", account_id) is None:
        raise Refused(f"There is no {account_id}.")
    redirect = oauth.grant(stand_in, ask, account_id)
    return JSONResponse({"redirect": redirect, "account": account_id})


async def disconnect(stand_in: StandIn, request: Request) -> Response:
    """The owner removes the platform in their dashboard: `{"mode": "test" | "live"}`."""
    mode = (await fields_of(request)).get("mode", "test")
    try:
        oauth.disconnect(stand_in, request.path_params["account_id"], mode == "live")
    except oauth.OAuthFault as exc:
        return exc.response()
    return JSONResponse({"disconnected": request.path_params["account_id"], "mode": mode})


async def portal_default(stand_in: StandIn, request: Request) -> Response:
    """Saves the portal settings in the dashboard: `{"account"?, "livemode"?}`."""
    body = await fields_of(request)
    tenant = Tenant(body.get("account") or stand_in.config.platform_account, bool(body.get("livemode", False)))
    with stand_in.books(tenant) as books:
        made = billing_portal_configurations.make_default(books)
    return JSONResponse(public(made))
