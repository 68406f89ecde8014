"""Connects and disconnects a developer's Stripe account: OAuth for Standard accounts.

https://docs.stripe.com/connect/oauth-reference. The product does not store the access token that Stripe returns: every call
sends dream-api's own key and names the account in the header `Stripe-Account`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from dream.clients.stripe.http import Answer, StripeRefused, answered, stripe_client
from dream.domain.keys import Mode
from dream.runtime.context import Context

if TYPE_CHECKING:
    from stripe import OAuth

SCOPE = "read_write"


@dataclass(frozen=True, slots=True)
class Connection:
    """What the developer granted: access to which account, with which scope, in which mode."""

    account_id: str
    scope: str
    livemode: bool

    @classmethod
    def from_stripe(cls, token: Mapping[str, Any]) -> Connection:
        return cls(token["stripe_user_id"], token["scope"], token["livemode"])


def authorize_url(context: Context, mode: Mode, *, redirect_uri: str, state: str, email: str | None = None) -> str:
    """The page at Stripe where the developer agrees to connect. `redirect_uri` must be registered with Stripe."""
    params: OAuth.OAuthAuthorizeUrlParams = {"scope": SCOPE, "redirect_uri": redirect_uri, "state": state}
    if email is not None:
        params["stripe_user"] = {"email": email}
    return stripe_client(context, mode).oauth.authorize_url(params)


async def exchange_code(context: Context, mode: Mode, code: str) -> Connection:
    """Exchanges the code of the callback for the connection. A code works once, and for five minutes.

    Raises StripeRefused with `invalid_grant` if the code is unknown, was used, or belongs to the other mode.
    """
    params: OAuth.OAuthTokenParams = {"grant_type": "authorization_code", "code": code}
    return await _post(context, mode, "/oauth/token", cast("dict[str, Any]", params), Connection.from_stripe)


async def deauthorize(context: Context, mode: Mode, account_id: str) -> bool:
    """Ends the platform's access to the account. Returns False if the platform had no access."""
    params: OAuth.OAuthDeauthorizeParams = {
        "client_id": context.settings.stripe_client_id(mode),
        "stripe_user_id": account_id,
    }
    try:
        await _post(context, mode, "/oauth/deauthorize", cast("dict[str, Any]", params), lambda answer: None)
    except StripeRefused as refusal:
        if refusal.stripe_code == "invalid_client":
            return False
        raise
    return True


async def _post(
    context: Context, mode: Mode, path: str, params: dict[str, Any], read: Callable[[Mapping[str, Any]], Answer]
) -> Answer:
    # The OAuth service of stripe-python has synchronous methods only.
    client = stripe_client(context, mode)
    answer = client.raw_request_async("post", path, base="connect", **params)  # pyright: ignore[reportUnknownMemberType]
    return await answered(answer, lambda response: read(cast("Mapping[str, Any]", response.data)))
