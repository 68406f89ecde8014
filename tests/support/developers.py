"""Developers who call oauth-api and front-auth-api with a session token, and may have a platform and Stripe accounts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from dream.domain import keys
from dream.domain.keys import Mode
from tests.support.stack import Stack
from tests.support.stripe_accounts import StripeControls, make_account
from tests.support.tenants import FAR_AWAY, make_platform


@dataclass(frozen=True)
class Developer:
    """One developer. `accounts` are the Stripe accounts that are connected, by mode."""

    stack: Stack
    platform_id: str
    user_id: str
    token: str
    accounts: Mapping[Mode, str]

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        worker: str = "oauth-api",
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """A call with the developer's token."""
        return self.stack.http(worker).send(self.prepare(method, path, body, worker=worker, headers=headers))

    def prepare(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        worker: str = "oauth-api",
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Request:
        """The request of such a call, for `stack.at_once`."""
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        return self.stack.http(worker).build_request(method, path, headers=sent, json=body)

    def front_auth(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, **headers: str
    ) -> httpx.Response:
        """A call to front-auth-api."""
        return self.request(method, path, body, worker="front-auth-api", headers=headers)

    def post(self, path: str, body: Mapping[str, Any], **headers: str) -> httpx.Response:
        """POST to oauth-api."""
        return self.request("POST", path, body, headers=headers)


def make_developer(
    stack: Stack,
    stripe: StripeControls,
    *,
    paid: bool = True,
    platform: bool = True,
    connected: tuple[Mode, ...] = ("test",),
) -> Developer:
    """A developer who pays, with a Stripe account connected in test mode by default.

    With `platform=False` D1 has no platform of theirs: the `user.created` message of Clerk is lost.
    """
    if platform:
        platform_id, user_id = make_platform(stack, live_keys_until=FAR_AWAY if paid else None)
    else:
        platform_id, user_id, connected = "", keys.make_id("user", os.urandom), ()
        stack.http("clerk").post("/_devstack/webhooks/drop", json={"times": 1}).raise_for_status()
    accounts: dict[Mode, str] = {mode: make_account(stack, stripe, platform_id, mode) for mode in connected}
    return Developer(stack, platform_id, user_id, developer_token(stack, user_id), accounts)


def developer_token(stack: Stack, user_id: str) -> str:
    """A session token of the developers' Clerk instance, good for the length of a test run."""
    clerk = stack.http("clerk")
    user = {"instance": "developers", "userId": user_id, "email": f"{user_id.lower()}@example.com"}
    clerk.post("/_devstack/users", json=user).raise_for_status()
    wanted = {"instance": "developers", "userId": user_id, "azp": stack.url("frontend"), "expiresIn": 3600}
    return clerk.post("/_devstack/tokens", json=wanted).raise_for_status().json()["token"]
