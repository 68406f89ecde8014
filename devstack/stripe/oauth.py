"""Owns Connect OAuth for Standard accounts: consent, one-time codes, tokens, deauthorization.

https://docs.stripe.com/connect/oauth-reference
"""

import base64
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from devstack.kit.ids import random_text
from devstack.stripe import accounts
from devstack.stripe.books import Books
from devstack.stripe.events import Cause
from devstack.stripe.ids import new_id
from devstack.stripe.jsontypes import Json
from devstack.stripe.stand_in import StandIn
from devstack.stripe.store import Tenant

CODE_LIFE_SECONDS = 300
SCOPES = ("read_only", "read_write")


class OAuthFault(Exception):
    """An error in the shape of OAuth (RFC 6749), which differs from the API's shape."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description

    def response(self) -> Response:
        return JSONResponse({"error": self.error, "error_description": self.description}, self.status)


class AuthorizationRequest:
    """The query of the consent page, checked. Raises OAuthFault if it is wrong."""

    def __init__(self, stand_in: StandIn, query: dict[str, str]) -> None:
        client_id = query.get("client_id", "")
        livemode = stand_in.config.livemode_of_client(client_id)
        if livemode is None:
            raise OAuthFault(400, "invalid_client", "No application matches the supplied client identifier")
        redirect_uri = query.get("redirect_uri") or next(iter(stand_in.config.redirect_uris), "")
        if redirect_uri not in stand_in.config.redirect_uris:
            raise OAuthFault(
                400,
                "invalid_redirect_uri",
                f"Invalid redirect URI '{redirect_uri}'. Ensure this uri exactly matches one of the uris specified in your"
                " application settings.",
            )
        self.client_id = client_id
        self.livemode = livemode
        self.redirect_uri = redirect_uri
        self.scope = query.get("scope") or "read_only"
        self.state = query.get("state")
        self.email = query.get("stripe_user[email]", "")
        if query.get("response_type") != "code":
            raise OAuthFault(400, "unsupported_response_type", "Only 'code' is supported as response_type.")
        if self.scope not in SCOPES:
            raise OAuthFault(400, "invalid_scope", f"Invalid scope provided: '{self.scope}'")

    def fields(self) -> dict[str, str]:
        """The hidden fields of the consent form."""
        fields = {
            "response_type": "code",
            "client_id": self.client_id,
            "scope": self.scope,
            "redirect_uri": self.redirect_uri,
        }
        return fields if self.state is None else {**fields, "state": self.state}

    def back(self, **answer: str) -> str:
        if self.state is not None:
            answer["state"] = self.state
        return f"{self.redirect_uri}{'&' if '?' in self.redirect_uri else '?'}{urlencode(answer)}"


def grant(stand_in: StandIn, authorization: AuthorizationRequest, account_id: str) -> str:
    """The account's owner agrees. Returns the URL to which the browser goes, with a one-time code."""
    code = new_id("authorization_code")
    stand_in.store.run(
        "INSERT INTO authorization_codes (code, account, livemode, scope, created) VALUES (?, ?, ?, ?, ?)",
        code, account_id, authorization.livemode, authorization.scope, stand_in.clock.seconds(),
    )  # fmt: skip
    return authorization.back(scope=authorization.scope, code=code)


def refuse(authorization: AuthorizationRequest) -> str:
    return authorization.back(error="access_denied", error_description="The user denied your request")


def connectable_accounts(stand_in: StandIn) -> list[Json]:
    """The accounts that a person can choose on the consent page."""
    return [
        a for a in stand_in.store.where(accounts.EVERYWHERE, "account") if a["id"] != stand_in.config.platform_account
    ]


async def token(stand_in: StandIn, request: Request) -> Response:
    try:
        params = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        livemode = _platform_mode(stand_in, request, params)
        kind = params.get("grant_type")
        if kind == "authorization_code":
            account, scope = _redeem(stand_in, params, livemode)
        elif kind == "refresh_token":
            account, scope = _refresh(stand_in, params, livemode)
        elif kind is None:
            raise OAuthFault(400, "invalid_request", "No grant type specified")
        else:
            raise OAuthFault(400, "unsupported_grant_type", f"Unsupported grant type: {kind}")
        return JSONResponse(connect(stand_in, account, scope, livemode))
    except OAuthFault as exc:
        return exc.response()


def connect(stand_in: StandIn, account: str, scope: str, livemode: bool) -> Json:
    """Connects the account and returns the answer of the token endpoint. The first time, `account.application.authorized` is sent."""
    tenant = Tenant(account, livemode)
    mode = "live" if livemode else "test"
    body: Json = {
        "access_token": f"sk_{mode}_{random_text(99)}",
        "livemode": livemode,
        "refresh_token": f"rt_{random_text(48)}",
        "token_type": "bearer",
        "stripe_publishable_key": f"pk_{mode}_{random_text(99)}",
        "stripe_user_id": account,
        "scope": scope,
    }
    known = stand_in.store.row("SELECT 1 FROM connections WHERE account = ? AND livemode = ?", account, livemode)
    with stand_in.books(tenant) as books:
        books.store.run(
            "INSERT OR REPLACE INTO connections (account, livemode, scope, access_token, refresh_token, publishable_key, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            account, livemode, scope, body["access_token"], body["refresh_token"], body["stripe_publishable_key"], books.now,
        )  # fmt: skip
        if known is None:
            books.emit("account.application.authorized", application(books))
    return body


def application(books: Books) -> Json:
    return {"id": books.config.client_id(books.livemode), "object": "application", "name": books.config.platform_name}


def _redeem(stand_in: StandIn, params: dict[str, str], livemode: bool) -> tuple[str, str]:
    code = params.get("code", "")
    row = stand_in.store.row("SELECT * FROM authorization_codes WHERE code = ?", code)
    if row is None:
        raise OAuthFault(400, "invalid_grant", f"Authorization code does not exist: {code}")
    if row["used"] is not None:
        raise OAuthFault(
            400,
            "invalid_grant",
            "This authorization code has already been used. All tokens issued with this code have been revoked.",
        )
    if stand_in.clock.seconds() - row["created"] > CODE_LIFE_SECONDS:
        raise OAuthFault(400, "invalid_grant", f"Authorization code expired: {code}")
    if livemode and not row["livemode"]:
        raise OAuthFault(
            400,
            "invalid_grant",
            "This authorization code was issued in test mode and cannot be used with a live mode key.",
        )
    stand_in.store.run("UPDATE authorization_codes SET used = ? WHERE code = ?", stand_in.clock.seconds(), code)
    return row["account"], row["scope"]


def _refresh(stand_in: StandIn, params: dict[str, str], livemode: bool) -> tuple[str, str]:
    refresh = params.get("refresh_token", "")
    row = stand_in.store.row("SELECT * FROM connections WHERE refresh_token = ?", refresh)
    if row is None or (livemode and not row["livemode"]):
        raise OAuthFault(400, "invalid_grant", f"Refresh token does not exist: {refresh}")
    wanted = params.get("scope") or row["scope"]
    if wanted not in SCOPES or (wanted == "read_write" and row["scope"] == "read_only"):
        raise OAuthFault(400, "invalid_scope", f"Invalid scope provided: '{wanted}'")
    return row["account"], wanted


async def deauthorize(stand_in: StandIn, request: Request) -> Response:
    try:
        params = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        _platform_mode(stand_in, request, params)
        livemode = stand_in.config.livemode_of_client(params.get("client_id", ""))
        if livemode is None:
            raise OAuthFault(401, "invalid_client", f"No such application: '{params.get('client_id', '')}'")
        account = params.get("stripe_user_id", "")
        if not account:
            raise OAuthFault(400, "invalid_request", "No stripe_user_id specified")
        disconnect(stand_in, account, livemode)
        return JSONResponse({"stripe_user_id": account})
    except OAuthFault as exc:
        return exc.response()


def disconnect(stand_in: StandIn, account: str, livemode: bool) -> None:
    """Disconnects the account in one mode, and sends `account.application.deauthorized`. Raises OAuthFault if not connected."""
    with stand_in.books(Tenant(account, livemode), Cause()) as books:
        gone = books.store.run("DELETE FROM connections WHERE account = ? AND livemode = ?", account, livemode)
        if gone:
            books.emit("account.application.deauthorized", application(books))
    if not gone:
        raise OAuthFault(
            401,
            "invalid_client",
            f"This application is not connected to stripe account {account}, or that account does not exist.",
        )


def _platform_mode(stand_in: StandIn, request: Request, params: dict[str, str]) -> bool:
    header = request.headers.get("authorization", "")
    key = params.get("client_secret", "")
    if header.lower().startswith("bearer "):
        key = header[7:].strip()
    elif header.lower().startswith("basic "):
        key = base64.b64decode(header[6:] + "==", validate=False).decode("utf-8", "replace").partition(":")[0]
    livemode = stand_in.config.livemode_of_key(key)
    if livemode is None:
        raise OAuthFault(401, "invalid_client", "Invalid API Key provided." if key else "No API key provided.")
    return livemode
