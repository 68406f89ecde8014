"""The URLs of the hosted pages and of the browser library of a Clerk instance.

https://clerk.com/docs/guides/customizing-clerk/account-portal, https://clerk.com/docs/js-frontend/getting-started/quickstart
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from dream.domain.keys import Mode
from dream.errors import Unavailable
from dream.runtime.context import Context
from dream.runtime.settings import ClerkInstance
from sign_up.services.flows import HostedPage

LIBRARY_FOLDER = "/npm/"
_LIBRARY = f"{LIBRARY_FOLDER}@clerk/clerk-js@6/dist/clerk.browser.js"
_DEVELOPMENT = ".clerk.accounts.dev"
_PRODUCTION = "clerk."


@dataclass(frozen=True, slots=True)
class ClerkLibrary:
    """What a page needs to load clerk-js. `proxy_url` is set if the instance is not at the host in its publishable key."""

    script_url: str
    publishable_key: str
    frontend_api: str
    proxy_url: str | None


def hosted_url(context: Context, mode: Mode, page: HostedPage, redirect_url: str | None) -> str:
    """The URL of a hosted page of the instance of this mode. The page redirects to `redirect_url` afterwards."""
    query = "" if redirect_url is None else "?" + urlencode({"redirect_url": redirect_url})
    return f"{_account_portal(context, context.settings.end_users(mode))}/{page}{query}"


def library(context: Context, mode: Mode) -> ClerkLibrary:
    """The browser library of the instance of this mode."""
    instance = context.settings.end_users(mode)
    is_at_own_host = urlsplit(instance.issuer).netloc == _frontend_api_host(instance.publishable_key)
    return ClerkLibrary(
        script_url=f"{instance.issuer}{_LIBRARY}",
        publishable_key=instance.publishable_key,
        frontend_api=instance.issuer,
        proxy_url=None if is_at_own_host else instance.issuer,
    )


def _account_portal(context: Context, instance: ClerkInstance) -> str:
    """The setting, or what Clerk derives from the host of the Frontend API. Raises Unavailable if neither is possible."""
    named = context.settings.text(f"CLERK_{instance.name}_ACCOUNT_PORTAL").rstrip("/")
    if named:
        return named
    host = urlsplit(instance.issuer).netloc
    if host.endswith(_DEVELOPMENT):
        return f"https://{host.removesuffix(_DEVELOPMENT)}.accounts.dev"
    if host.startswith(_PRODUCTION):
        return f"https://accounts.{host.removeprefix(_PRODUCTION)}"
    raise Unavailable(reason=f"no account portal known for {instance.name}", code="misconfigured")


def _frontend_api_host(publishable_key: str) -> str:
    encoded = publishable_key.rpartition("_")[2]
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode().removesuffix("$")
    except (binascii.Error, UnicodeDecodeError):
        return ""
