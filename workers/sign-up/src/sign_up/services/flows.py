"""One end user's way to Clerk's pages and back, kept by their own browser in a signed cookie for ten minutes.

Each way has a state of its own, which names its cookie and comes back in the URL: two tabs don't mix, and nobody can start a way in
somebody else's browser and have it completed there.
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
"""As Clerk's account portal names its pages."""

LIFETIME_SECONDS = 600
_PREFIX = "dream_flow_"
_PURPOSE = b"sign-up flow\n"
_LONGEST_COOKIE = 4096


class FlowLost(BadRequest):
    """400: no valid cookie of this way; it was begun in another browser, too long ago, or never."""

    error = "Link expired"
    code = "invalid_state"
    message = "This sign-in was not started in this browser, or more than ten minutes ago. Go back to the app and start again."


@dataclass(frozen=True, slots=True)
class Flow:
    """For which project, to which page of Clerk's, and where to go afterwards. `expires_at` is in seconds since the epoch."""

    state: str
    publishable_key: str
    redirect: str
    page: HostedPage
    expires_at: int

    def cookie(self, context: Context) -> str:
        """The Set-Cookie that lets this browser, and no other, come back."""
        payload = _base64url(json.dumps(astuple(self)).encode())
        secure = "" if context.settings.sign_up_url.startswith("http://localhost") else "; Secure"
        value = f"{payload}.{_signature(context, payload)}"
        return f"{_PREFIX}{self.state}={value}; Path=/; Max-Age={LIFETIME_SECONDS}; HttpOnly; SameSite=Lax{secure}"


def flow_of(context: Context, request: Request) -> Flow:
    """The way that the request's `state` names and that this browser began. Raises FlowLost."""
    state = request.query.get("state") or ""
    value = request.cookie(f"{_PREFIX}{state}")
    if not state or value is None or len(value) > _LONGEST_COOKIE:
        raise FlowLost()
    payload, _, signature = value.partition(".")
    if not hmac.compare_digest(signature.encode(), _signature(context, payload).encode()):
        raise FlowLost(reason="cookie was not signed by us")
    flow = Flow(*json.loads(urlsafe_b64decode(payload)))
    if flow.state != state or flow.expires_at <= context.now_seconds():
        raise FlowLost()
    return flow


def _signature(context: Context, payload: str) -> str:
    key = context.settings.text("SIGNING_SECRET").encode()
    return _base64url(hmac.new(key, _PURPOSE + payload.encode(), hashlib.sha256).digest())


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode()
