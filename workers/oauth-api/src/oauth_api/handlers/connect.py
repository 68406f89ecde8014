"""Stripe Connect: `POST /authorize` issues a ticket, `GET /authorize` redirects a browser with a ticket to Stripe, `GET /callback`
receives the browser from Stripe and connects the account, `POST /disconnect` disconnects it.

The callback redirects to `FRONTEND_URL/?stripe=connected&mode=…`, or to `?stripe=error&reason=…&mode=…`.
"""

from __future__ import annotations

import hmac
import os
from base64 import urlsafe_b64encode
from urllib.parse import urlencode

from dream.auth.principal import Nobody
from dream.clients.stripe import connect as stripe_connect
from dream.clients.stripe.http import StripeRefused
from dream.db import audit_log, one_time_tokens, platforms, stripe_tokens
from dream.db.one_time_tokens import OneTimeToken
from dream.domain.keys import Mode, hash_secret
from dream.domain.project_definitions import mode_in
from dream.domain.timestamps import iso
from dream.errors import ApiError, BadRequest, ConstraintFailed, InvalidFields
from dream.http.request import Request
from dream.http.response import Response, json_response, redirect
from dream.runtime import checkpoints
from dream.runtime.context import Context
from dream.services.outbox import stripe as stripe_effects
from dream.services.platforms.connection import StripeNotConnected
from oauth_api.credentials.platform import PayingDeveloper, PlatformDeveloper

TICKET_SECONDS = 60
"""How long a ticket is valid. The dashboard opens its URL at once."""
STATE_SECONDS = 600
"""How long a state is valid: the time that a developer has at Stripe."""
COOKIE = "dream_connect"
_MAXIMUM_TOKEN_LENGTH = 512


class InvalidTicket(BadRequest):
    """400: the ticket was used, has expired, or never existed."""

    code = "invalid_ticket"
    message = "This link has been used or has expired. Start again from the dashboard."


class InvalidState(BadRequest):
    """400: the state was used, has expired, never existed, or belongs to another browser (RFC 6749, 10.12)."""

    code = "invalid_state"
    message = (
        "This connection was started in another browser, or more than ten minutes ago. Start again from the dashboard."
    )


async def begin(context: Context, request: Request, developer: PayingDeveloper) -> Response:
    """The URL that the dashboard opens. It has a ticket, never the developer's session token."""
    problems: dict[str, str] = {}
    mode = mode_in(await request.json(), problems)
    if problems:
        raise InvalidFields(problems)
    ticket = await _new_token(context, "connect_ticket", developer.platform_id, mode, None, TICKET_SECONDS)
    return json_response({"url": f"{context.settings.oauth_api_url}/authorize?{urlencode({'ticket': ticket})}"})


async def go_to_stripe(context: Context, request: Request, caller: Nobody) -> Response:
    """Takes the ticket and redirects to Stripe with a state. A cookie lets only this browser use the state."""
    ticket = await _take(context, request.query.get("ticket"), "connect_ticket")
    if ticket is None:
        raise InvalidTicket()
    await checkpoints.reached("authorize:ticket-taken")
    browser = _random_text()
    state = await _new_token(
        context, "connect_state", ticket.platform_id, ticket.mode, hash_secret(browser), STATE_SECONDS
    )
    url = stripe_connect.authorize_url(context, ticket.mode, redirect_uri=_callback_url(context), state=state)
    return redirect(url, [_cookie(context, browser, STATE_SECONDS)])


async def callback(context: Context, request: Request, caller: Nobody) -> Response:
    """Takes the state, checks that the browser is the one that began, and exchanges the code for a connected account."""
    state = await _take(context, request.query.get("state"), "connect_state")
    if state is None or not _is_same_browser(request, state.browser_hash):
        raise InvalidState()
    await checkpoints.reached("callback:state-taken")
    mode = state.mode
    if "error" in request.query:
        denied = request.query["error"] == "access_denied"
        return _redirect_to_dashboard(context, mode, "access_denied" if denied else "refused_by_stripe")
    try:
        connection = await stripe_connect.exchange_code(context, mode, request.query.get("code") or "")
    except StripeRefused as refusal:
        context.log.warning("Stripe refused the authorization code", reason=refusal.reason)
        return _redirect_to_dashboard(context, mode, "invalid_code")
    except ApiError as error:
        context.log.warning("authorization code not exchanged", reason=error.reason)
        return _redirect_to_dashboard(context, mode, "stripe_unavailable")
    await checkpoints.reached("callback:code-exchanged")
    if connection.livemode != (mode == "live"):
        return _redirect_to_dashboard(context, mode, "wrong_mode")
    if connection.scope != stripe_connect.SCOPE:
        return _redirect_to_dashboard(context, mode, "insufficient_scope")
    return _redirect_to_dashboard(context, mode, await _connect(context, state.platform_id, mode, connection))


async def _connect(context: Context, platform_id: str, mode: Mode, connection: stripe_connect.Connection) -> str | None:
    """Stores the connected account. Returns None, or the reason why it was not stored."""
    platform = await platforms.find(context.db, platform_id)
    try:
        is_connected = await stripe_tokens.connect(
            context.db,
            platform_id,
            mode,
            connection.account_id,
            connection.scope,
            "unknown" if platform is None else platform.clerk_user_id,
            context.now(),
            also=[stripe_effects.cancel_revocation(mode, connection.account_id)],
        )
    except ConstraintFailed:
        return "account_of_another_developer"
    return None if is_connected else "another_account_connected"


async def disconnect(context: Context, request: Request, developer: PlatformDeveloper) -> Response:
    """Disconnects the account in D1 at once, and enqueues that it is disconnected at Stripe."""
    problems: dict[str, str] = {}
    mode = mode_in(await request.json(), problems)
    if problems:
        raise InvalidFields(problems)
    platform_id, now = developer.platform_id, context.now()
    account = await stripe_tokens.account_of(context.db, platform_id, mode)
    if account is None:
        raise StripeNotConnected(mode)
    details = {"mode": mode, "account": account}
    await context.db.batch(
        [
            stripe_tokens.revoke(platform_id, mode, account, now),
            stripe_effects.revoke_connection(mode, account, now),
            audit_log.record(platform_id, None, developer.user_id, "stripe.disconnected", details, now),
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


async def _take(context: Context, token: str | None, purpose: one_time_tokens.Purpose) -> OneTimeToken | None:
    """Takes the token, so that nobody can take it again. None if it is unknown, was taken already, or has expired."""
    if not token or len(token) > _MAXIMUM_TOKEN_LENGTH:
        return None
    taken = await one_time_tokens.take(context.db, hash_secret(token), purpose)
    return taken if taken is not None and taken.expires_at > context.now() else None


def _is_same_browser(request: Request, browser_hash: str | None) -> bool:
    browser = request.cookie(COOKIE)
    return browser is not None and browser_hash is not None and hmac.compare_digest(hash_secret(browser), browser_hash)


def _redirect_to_dashboard(context: Context, mode: Mode, reason: str | None) -> Response:
    """Redirects to the dashboard with the result (`reason` None: connected), and deletes the cookie."""
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
