"""Every route that takes session tokens, and an attacker who stands there with the controls of Clerk."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from tests.support.clerk_controls import ClerkControls, InstanceName
from tests.support.stack import Stack
from tests.support.tenants import Tenant, make_tenant

OTHER: Mapping[InstanceName, InstanceName] = {
    "developers": "endUsersTest",
    "endUsersTest": "endUsersLive",
    "endUsersLive": "endUsersTest",
}


@dataclass(frozen=True)
class Door:
    """A route that takes tokens: who mints them, and how one is handed over."""

    name: str
    worker: str
    method: str
    path: str
    instance: InstanceName
    with_token: Callable[[Tenant, str], Mapping[str, str]]

    @property
    def accepts(self) -> int:
        """What a good token gets: developers who have no project are still known to be developers."""
        return 404 if self.path.startswith(("/api/dashboard", "/tiers")) else 200


def bearer(tenant: Tenant, token: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}"}


def beside_publishable_key(tenant: Tenant, token: str) -> Mapping[str, str]:
    return {"X-Publishable-Key": tenant.publishable_key, "X-Clerk-Token": token}


def bearer_beside_publishable_key(tenant: Tenant, token: str) -> Mapping[str, str]:
    return {"X-Publishable-Key": tenant.publishable_key, "Authorization": f"Bearer {token}"}


def beside_secret_key(tenant: Tenant, token: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {tenant.secret_key}", "X-Clerk-Token": token}


DOORS = (
    Door("publishable key", "api-multi", "GET", "/api/usage", "endUsersTest", beside_publishable_key),
    Door("publishable key, bearer", "api-multi", "POST", "/api/data", "endUsersTest", bearer_beside_publishable_key),
    Door("secret key", "api-multi", "GET", "/api/usage", "endUsersTest", beside_secret_key),
    Door("live publishable key", "api-multi", "GET", "/api/usage", "endUsersLive", beside_publishable_key),
    Door("metrics", "api-multi", "GET", "/api/dashboard?publishableKey={pk}", "developers", bearer),
    Door("account", "front-auth-api", "GET", "/projects", "developers", bearer),
    Door("projects", "oauth-api", "GET", "/tiers?publishableKey={pk}", "developers", bearer),
    Door("sign-up", "sign-up", "POST", "/oauth/complete", "endUsersTest", beside_publishable_key),
    Door("sign-up, live", "sign-up", "POST", "/oauth/complete", "endUsersLive", bearer_beside_publishable_key),
)


@dataclass
class Attacker:
    """Stands at one door, with the controls of Clerk in hand."""

    door: Door
    stack: Stack
    clerk: ClerkControls
    tenant: Tenant

    def __post_init__(self) -> None:
        self.instance: InstanceName = self.door.instance
        self.user_id = self.clerk.make_user(self.instance)
        self.kid: str = self.clerk.instances[self.instance]["kid"]
        self.pem: str = self.clerk.instances[self.instance]["jwtKey"]
        self.path = self.door.path.format(pk=self.tenant.publishable_key)

    def knock(self, token: str) -> httpx.Response:
        """Asks for the route with this token."""
        return self.stack.http(self.door.worker).send(self.request(token))

    def request(self, token: str) -> httpx.Request:
        body: dict[str, str] | None = {} if self.door.method == "POST" else None
        headers = dict(self.door.with_token(self.tenant, token))
        return self.stack.http(self.door.worker).build_request(self.door.method, self.path, headers=headers, json=body)

    def token(self, **wanted: object) -> str:
        """A token of the user, as the controls of Clerk make it."""
        return self.clerk.token(self.instance, self.user_id, **wanted)

    def refused(self, token: str) -> None:
        """The route answers 401 to this token, and does not repeat it."""
        assert_refused(self.knock(token), token)


def assert_refused(answer: httpx.Response, token: str) -> None:
    """The answer is a 401 in the shape of all errors, and does not repeat the token."""
    assert answer.status_code == 401, answer.text
    error = answer.json()
    assert error["code"] in ("invalid_token", "token_expired", "unauthorized")
    assert error["error"] and error["message"] and error["requestId"] == answer.headers["x-request-id"]
    assert len(token) < 20 or token[-20:] not in answer.text


def attacker_at(door: Door, stack: Stack, clerk: ClerkControls) -> Attacker:
    """An attacker at a project of the mode that the door is for."""
    return Attacker(door, stack, clerk, make_tenant(stack, mode="live" if door.instance == "endUsersLive" else "test"))


def slow_tokens(count: int) -> list[str]:
    """Tokens whose header is brackets, then a string that never ends. A reader that begins again at each quote is slow."""
    header = "[" + "[]," * 65 + '"' + '\\"' * 2_800
    encoded = base64.urlsafe_b64encode(header.encode()).decode().rstrip("=")
    return [f"{encoded}.e30.{attempt:04}" for attempt in range(count)]
