"""Stripe Connect: `POST /authorize` hands out a ticket, `GET /authorize` leads a browser to Stripe, `GET /callback` takes it back,
`POST /disconnect` ends it.

Where the dashboard is sent: `FRONTEND_URL/?stripe=connected&mode=…`, or `?stripe=error&reason=…&mode=…`.
"""

from __future__ import annotations

import hmac
import os
from base64 import urlsafe_b64encode
from urllib.parse import urlencode

from dream.auth.principal import Nobody
from dream.clients import stripe_connect
from dream.clients.stripe_http import StripeRefused
from dream.db import audit_log, one_time_tokens, platforms, stripe_tokens
from dream.domain.keys import Mode, hash_secret
from dream.domain.project_definitions import mode_in
from dream.domain.timestamps import iso
from dream.errors import ApiError, BadRequest, ConstraintFailed, InvalidFields
from dream.http.request import Request
from dream.http.response import Response, json_response, redirect
from dream.runtime import checkpoints
from dream.runtime.bindings import Row
from dream.runtime.context import Context
from dream.services.outbox import stripe as stripe_effects
from dream.services.platforms.connection import StripeNotConnected
from oauth_api.credentials.platform import PayingDeveloper, PlatformDeveloper

TICKET_SECONDS = 60
STATE_SECONDS = 600
COOKIE = "dream_connect"
_LONGEST_TOKEN = 512


class LinkSpent(BadRequest):
    """400: the ticket was used, is older than a minute, or never was."""

    code = "invalid_ticket"
    message = "This link has been used or has expired. Start again from the dashboard."


class StateRefused(BadRequest):
    """400: the answer from Stripe is not to a question of this browser, or not to a recent one."""

    code = "invalid_state"
    message = "This connection was not started in this browser, or too long ago. Start again from the dashboard."


async def begin(context: Context, request: Request, developer: PayingDeveloper) -> Response:
    """The URL for the developer's browser to go to. It carries a ticket, never a session token."""
    problems: dict[str, str] = {}
    mode = mode_in(await request.json(), problems)
    if problems:
        raise InvalidFields(problems)
    ticket = await _new_token(context, "connect_ticket", developer.platform_id, mode, None, TICKET_SECONDS)
    return json_response({"url": f"{context.settings.oauth_api_url}/authorize?{urlencode({'ticket': ticket})}"})


async def go_to_stripe(context: Context, request: Request, caller: Nobody) -> Response:
    """Trade the ticket for a state that only this browser can bring back, and send it to Stripe."""
    ticket = await _take(context, request.query.get("ticket"), "connect_ticket")
    if ticket is None:
        raise LinkSpent()
    await checkpoints.reached("authorize:ticket-taken")
    browser = _random_text()
    state = await _new_token(
        context, "connect_state", ticket["platformId"], ticket["mode"], hash_secret(browser), STATE_SECONDS
    )
    url = stripe_connect.authorize_url(context, ticket["mode"], redirect_uri=_callback_url(context), state=state)
    return redirect(url, [_cookie(context, browser, STATE_SECONDS)])


async def callback(context: Context, request: Request, caller: Nobody) -> Response:
    """Back from Stripe: the state is spent, the browser is the one that began, and the code becomes a connected account."""
    state = await _take(context, request.query.get("state"), "connect_state")
    if state is None or not _is_same_browser(request, state["browserHash"]):
        raise StateRefused()
    await checkpoints.reached("callback:state-taken")
    mode: Mode = state["mode"]
    if "error" in request.query:
        denied = request.query["error"] == "access_denied"
        return _back(context, mode, "access_denied" if denied else "refused_by_stripe")
    try:
        connection = await stripe_connect.exchange_code(context, mode, request.query.get("code") or "")
    except StripeRefused as refusal:
        context.log.warning("connect code refused", reason=refusal.reason)
        return _back(context, mode, "invalid_code")
    except ApiError as error:
        context.log.warning("connect code not exchanged", reason=error.reason)
        return _back(context, mode, "stripe_unavailable")
    await checkpoints.reached("callback:code-exchanged")
    if connection.livemode != (mode == "live"):
        return _back(context, mode, "wrong_mode")
    if connection.scope != stripe_connect.SCOPE:
        return _back(context, mode, "insufficient_scope")
    return _back(context, mode, await _connect(context, state["platformId"], mode, connection))


async def _connect(context: Context, platform_id: str, mode: Mode, connection: stripe_connect.Connection) -> str | None:
    """Store the account. The reason why not, when it is another developer's or when another one is connected."""
    platform = await platforms.find(context.db, platform_id)
    actor = "unknown" if platform is None else platform["clerkUserId"]
    try:
        rows = await context.db.batch(
            [
                *stripe_tokens.connect(
                    platform_id, mode, connection.account_id, connection.scope, actor, context.now()
                ),
                stripe_effects.keep_connection(mode, connection.account_id),
            ]
        )
    except ConstraintFailed:
        return "account_of_another_developer"
    return None if rows[2] else "another_account_connected"


async def disconnect(context: Context, request: Request, developer: PlatformDeveloper) -> Response:
    """Give the account up: here at once, at Stripe now or as soon as Stripe answers."""
    problems: dict[str, str] = {}
    mode = mode_in(await request.json(), problems)
    if problems:
        raise InvalidFields(problems)
    platform_id, now = developer.platform_id, context.now()
    account = await stripe_tokens.account_of(context.db, platform_id, mode)
    if account is None:
        raise StripeNotConnected(mode)
    about = {"mode": mode, "account": account}
    await context.db.batch(
        [
            stripe_tokens.revoke(platform_id, mode, account, now),
            stripe_effects.revoke_connection(mode, account, now),
            audit_log.record(platform_id, None, developer.user_id, "stripe.disconnected", about, now),
        ]
    )
    await checkpoints.reached("disconnect:stored")
    context.deliver_soon()
    return json_response({"success": True, "mode": mode, "stripeAccountId": account, "status": "revoked"})


async def _new_token(
    context: Context,
    purpose: one_time_tokens.Purpose,
    platform_id: str,
    mode: str,
    browser_hash: str | None,
    lifetime_seconds: int,
) -> str:
    token = _random_text()
    now = context.now_seconds()
    await one_time_tokens.add(
        context.db, hash_secret(token), purpose, platform_id, mode, browser_hash, iso(now + lifetime_seconds), iso(now)
    )
    return token


async def _take(context: Context, token: str | None, purpose: one_time_tokens.Purpose) -> Row | None:
    """The token's row, which is gone from now on; None for one that is unknown, spent or expired."""
    if not token or len(token) > _LONGEST_TOKEN:
        return None
    row = await one_time_tokens.take(context.db, hash_secret(token), purpose)
    return row if row is not None and row["expiresAt"] > context.now() else None


def _is_same_browser(request: Request, browser_hash: str) -> bool:
    browser = request.cookie(COOKIE)
    return browser is not None and hmac.compare_digest(hash_secret(browser), browser_hash)


def _back(context: Context, mode: Mode, reason: str | None) -> Response:
    """To the dashboard, with what came of it; the cookie has done its work."""
    result = {"stripe": "connected"} if reason is None else {"stripe": "error", "reason": reason}
    return redirect(
        f"{context.settings.frontend_url}/?{urlencode({**result, 'mode': mode})}", [_cookie(context, "", 0)]
    )


def _callback_url(context: Context) -> str:
    return f"{context.settings.oauth_api_url}/callback"


def _cookie(context: Context, value: str, lifetime_seconds: int) -> str:
    secure = "" if context.settings.oauth_api_url.startswith("http://localhost") else "; Secure"
    return f"{COOKIE}={value}; Path=/callback; Max-Age={lifetime_seconds}; HttpOnly; SameSite=Lax{secure}"


def _random_text() -> str:
    return urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
