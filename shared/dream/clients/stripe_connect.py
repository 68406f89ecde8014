"""Connecting and disconnecting a developer's Stripe account: OAuth for Standard accounts.

https://docs.stripe.com/connect/oauth-reference. The access token that Stripe hands out is not kept: calls use the
platform's key with `Stripe-Account`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from dream.clients.stripe_http import Answer, StripeRefused, answered, stripe_client
from dream.domain.keys import Mode
from dream.runtime.context import Context

if TYPE_CHECKING:
    from stripe import OAuth

SCOPE = "read_write"


@dataclass(frozen=True, slots=True)
class Connection:
    """What a developer granted: which account, with what scope, in which mode."""

    account_id: str
    scope: str
    livemode: bool

    @classmethod
    def from_stripe(cls, token: Mapping[str, Any]) -> Connection:
        return cls(token["stripe_user_id"], token["scope"], token["livemode"])


def authorize_url(context: Context, mode: Mode, *, redirect_uri: str, state: str, email: str | None = None) -> str:
    """Where the developer's browser goes to consent. `redirect_uri` must be one that is registered with Stripe."""
    params: OAuth.OAuthAuthorizeUrlParams = {"scope": SCOPE, "redirect_uri": redirect_uri, "state": state}
    if email is not None:
        params["stripe_user"] = {"email": email}
    return stripe_client(context, mode).oauth.authorize_url(params)


async def exchange_code(context: Context, mode: Mode, code: str) -> Connection:
    """Trades the code of the callback for the connection. Good once, for minutes.

    Raises StripeRefused with `invalid_grant` for a code that is unknown, used or of the other mode.
    """
    params: OAuth.OAuthTokenParams = {"grant_type": "authorization_code", "code": code}
    return await _post(context, mode, "/oauth/token", cast("dict[str, Any]", params), Connection.from_stripe)


async def deauthorize(context: Context, mode: Mode, account_id: str) -> bool:
    """Takes the platform's access away; False when it had none (any more)."""
    params: OAuth.OAuthDeauthorizeParams = {
        "client_id": context.settings.stripe_client_id(mode),
        "stripe_user_id": account_id,
    }
    try:
        await _post(context, mode, "/oauth/deauthorize", cast("dict[str, Any]", params), lambda done: None)
    except StripeRefused as refusal:
        if refusal.stripe_code == "invalid_client":
            return False
        raise
    return True


async def _post(
    context: Context, mode: Mode, path: str, params: dict[str, Any], read: Callable[[Mapping[str, Any]], Answer]
) -> Answer:
    # The SDK's own oauth service is synchronous only.
    client = stripe_client(context, mode)
    answer = client.raw_request_async("post", path, base="connect", **params)  # pyright: ignore[reportUnknownMemberType]
    return await answered(answer, lambda response: read(cast("Mapping[str, Any]", response.data)))
