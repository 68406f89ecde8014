"""Identifies the browser: by the dev-browser token in development, by the `__client` cookie in production.

Source: https://clerk.com/docs/guides/development/managing-environments and the code of clerk-js.
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
# At Clerk, the hosted pages have this token in a cookie of accounts.dev. Here they share `localhost` with all other pages.
# So the cookie has another name, and only the hosted pages read it.
_PORTAL_COOKIE = "__portal_db_jwt"


def of_frontend_call(stand_in: StandIn, instance: Instance, request: Request) -> str | None:
    """The browser's token, or None if the request has none or an unknown one."""
    in_query, in_cookie = request.query_params.get(DEV_BROWSER_PARAM), request.cookies.get(_CLIENT_COOKIE)
    token = in_query if instance.is_development else in_cookie
    return token if token and stand_in.sessions.knows_browser(instance, token) else None


def of_hosted_page(stand_in: StandIn, instance: Instance, request: Request) -> str:
    """The browser's token, from the link to this page or from a cookie; else a new one."""
    if instance.is_development:
        candidates = (request.query_params.get(DEV_BROWSER_PARAM), request.cookies.get(_PORTAL_COOKIE))
    else:
        candidates = (request.cookies.get(_CLIENT_COOKIE),)
    for token in candidates:
        if token and stand_in.sessions.knows_browser(instance, token):
            return token
    return stand_in.sessions.new_browser(instance)


def set_cookies(stand_in: StandIn, instance: Instance, response: Response, token: str) -> None:
    """Sets the cookies that identify the browser at its next request."""
    name = _PORTAL_COOKIE if instance.is_development else _CLIENT_COOKIE
    response.set_cookie(name, token, path=instance.prefix, httponly=True, samesite="lax", max_age=365 * 24 * 3600)
    if not instance.is_development:
        client = stand_in.sessions.client_of(instance, token)
        live = stand_in.sessions.live_of_client(instance, client) if client else []
        updated_at = str(client["updated_at"] // 1000) if client and live else "0"
        for cookie in ("__client_uat", f"__client_uat_{cookie_suffix(instance.publishable_key)}"):
            response.set_cookie(cookie, updated_at, path="/", samesite="lax", max_age=365 * 24 * 3600)


def with_token(instance: Instance, url: str, token: str) -> str:
    """The URL to which the browser is redirected. In development it has the dev-browser token, as at Clerk."""
    if not instance.is_development:
        return url
    parts = urlsplit(url)
    query = [(key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True) if key != DEV_BROWSER_PARAM]
    return urlunsplit(parts._replace(query=urlencode([*query, (DEV_BROWSER_PARAM, token)])))


def cookie_suffix(publishable_key: str) -> str:
    """The suffix that Clerk adds to cookie names, so that several instances can share a host."""
    digest = hashlib.sha1(publishable_key.encode(), usedforsecurity=False).digest()
    return base64.urlsafe_b64encode(digest).decode()[:8]
