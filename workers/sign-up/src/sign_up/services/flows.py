"""Flows: an end user's visit to Clerk's pages and back. The user's browser stores a flow in a signed cookie for ten minutes.

Each flow has a random state. It is part of the cookie's name and comes back in the URL, so flows in two tabs do not mix. A flow is
completed only in the browser that began it (RFC 6749, 10.12).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import astuple, dataclass
from typing import Literal, TypeAlias

from dream.errors import BadRequest
from dream.http.request import Request
from dream.runtime.context import Context

HostedPage: TypeAlias = Literal["sign-up", "sign-in", "user"]
"""The names of pages in Clerk's account portal."""

LIFETIME_SECONDS = 600
"""How long a user has to sign in at Clerk."""
_PREFIX = "dream_flow_"
_PURPOSE = b"sign-up flow\n"
_MAXIMUM_COOKIE_LENGTH = 4096


class FlowNotFound(BadRequest):
    """400: this browser has no valid cookie of the flow. It began in another browser, has expired, or never existed."""

    error = "Link expired"
    code = "invalid_state"
    message = (
        "This sign-in started in another browser, or more than ten minutes ago. Go back to the app and start again."
    )


@dataclass(frozen=True, slots=True)
class Flow:
    """The project, the page at Clerk, and the URL to go back to. `expires_at` is in seconds since the epoch."""

    state: str
    publishable_key: str
    redirect: str
    page: HostedPage
    expires_at: int

    def cookie(self, context: Context) -> str:
        """The value of Set-Cookie that stores the flow in this browser."""
        payload = _base64url(json.dumps(astuple(self)).encode())
        secure = "" if context.settings.sign_up_url.startswith("http://localhost") else "; Secure"
        value = f"{payload}.{_signature(context, payload)}"
        return f"{_PREFIX}{self.state}={value}; Path=/; Max-Age={LIFETIME_SECONDS}; HttpOnly; SameSite=Lax{secure}"


def flow_of(context: Context, request: Request) -> Flow:
    """The flow that the request's `state` names, from the cookie of this browser. Raises FlowNotFound."""
    state = request.query.get("state") or ""
    value = request.cookie(f"{_PREFIX}{state}")
    if not state or value is None or len(value) > _MAXIMUM_COOKIE_LENGTH:
        raise FlowNotFound()
    payload, _, signature = value.partition(".")
    if not hmac.compare_digest(signature.encode(), _signature(context, payload).encode()):
        raise FlowNotFound(reason="the signature of the cookie is wrong")
    flow = Flow(*json.loads(urlsafe_b64decode(payload)))
    if flow.state != state or flow.expires_at <= context.now_seconds():
        raise FlowNotFound()
    return flow


def _signature(context: Context, payload: str) -> str:
    key = context.settings.text("SIGNING_SECRET").encode()
    return _base64url(hmac.new(key, _PURPOSE + payload.encode(), hashlib.sha256).digest())


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode()
