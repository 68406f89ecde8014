"""Which browser is calling: the dev-browser token in development, the `__client` cookie in production.

Source: https://clerk.com/docs/guides/development/managing-environments and clerk-js itself.
"""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import Response

from devstack.clerk.config import Instance
from devstack.clerk.stand_in import StandIn

DEV_BROWSER_PARAM = "__clerk_db_jwt"
_CLIENT_COOKIE = "__client"
# On accounts.dev Clerk's own pages keep this in a cookie of that site. Ours share `localhost` with every other page,
# so the cookie has a name of its own and is seen by the hosted pages only.
_PORTAL_COOKIE = "__portal_db_jwt"


def of_frontend_call(stand_in: StandIn, instance: Instance, request: Request) -> str | None:
    """The browser's token, or None when Clerk would not know it."""
    in_query, in_cookie = request.query_params.get(DEV_BROWSER_PARAM), request.cookies.get(_CLIENT_COOKIE)
    token = in_query if instance.is_development else in_cookie
    return token if token and stand_in.sessions.knows_browser(instance, token) else None


def of_hosted_page(stand_in: StandIn, instance: Instance, request: Request) -> str:
    """The browser's token, from the link that led here or from an earlier visit; a new one otherwise."""
    if instance.is_development:
        candidates = (request.query_params.get(DEV_BROWSER_PARAM), request.cookies.get(_PORTAL_COOKIE))
    else:
        candidates = (request.cookies.get(_CLIENT_COOKIE),)
    for token in candidates:
        if token and stand_in.sessions.knows_browser(instance, token):
            return token
    return stand_in.sessions.new_browser(instance)


def remember(stand_in: StandIn, instance: Instance, response: Response, token: str) -> None:
    """Set the cookies by which the browser will be known on its next visit."""
    name = _PORTAL_COOKIE if instance.is_development else _CLIENT_COOKIE
    response.set_cookie(name, token, path=instance.prefix, httponly=True, samesite="lax", max_age=365 * 24 * 3600)
    if not instance.is_development:
        client = stand_in.sessions.client_of(instance, token)
        live = stand_in.sessions.live_of_client(instance, client) if client else []
        updated_at = str(client["updated_at"] // 1000) if client and live else "0"
        for cookie in ("__client_uat", f"__client_uat_{cookie_suffix(instance.publishable_key)}"):
            response.set_cookie(cookie, updated_at, path="/", samesite="lax", max_age=365 * 24 * 3600)


def with_token(instance: Instance, url: str, token: str) -> str:
    """The URL to send the browser to: in development with the dev-browser token, as Clerk's pages do."""
    if not instance.is_development:
        return url
    parts = urlsplit(url)
    query = [(key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True) if key != DEV_BROWSER_PARAM]
    return urlunsplit(parts._replace(query=urlencode([*query, (DEV_BROWSER_PARAM, token)])))


def cookie_suffix(publishable_key: str) -> str:
    """The tail that Clerk gives cookie names so that several instances can share a host."""
    digest = hashlib.sha1(publishable_key.encode(), usedforsecurity=False).digest()
    return base64.urlsafe_b64encode(digest).decode()[:8]
