"""Every worker that takes session tokens refuses every token that Clerk did not sign for it, now. In workerd."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import pytest

from devstack.stack.stack import Stack
from tests.support.clerk_controls import ClerkControls, InstanceName, signed_with_public_key, tampered, unsigned
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
        self.url = self.stack.url(self.door.worker) + self.door.path.format(pk=self.tenant.publishable_key)

    def knock(self, token: str) -> httpx.Response:
        body: dict[str, str] | None = {} if self.door.method == "POST" else None
        headers = dict(self.door.with_token(self.tenant, token))
        return httpx.request(self.door.method, self.url, headers=headers, json=body, timeout=60)

    def token(self, **wanted: object) -> str:
        return self.clerk.token(self.instance, self.user_id, **wanted)

    def refused(self, token: str) -> None:
        answer = self.knock(token)
        assert answer.status_code == 401, answer.text
        error = answer.json()
        assert error["code"] in ("invalid_token", "token_expired", "unauthorized")
        assert error["error"] and error["message"] and error["requestId"] == answer.headers["x-request-id"]
        assert len(token) < 20 or token[-20:] not in answer.text


@pytest.fixture(scope="module")
def clerk(stack: Stack) -> Iterator[ClerkControls]:
    controls = ClerkControls(stack)
    yield controls
    controls.close()


@pytest.fixture(scope="module")
def tenants(stack: Stack) -> Mapping[str, Tenant]:
    return {"test": make_tenant(stack), "live": make_tenant(stack, mode="live")}


@pytest.fixture(params=DOORS, ids=[door.name for door in DOORS])
def attacker(
    request: pytest.FixtureRequest, stack: Stack, clerk: ClerkControls, tenants: Mapping[str, Tenant]
) -> Attacker:
    door: Door = request.param
    return Attacker(door, stack, clerk, tenants["live" if door.instance == "endUsersLive" else "test"])


def test_a_token_that_clerk_signed_opens_the_door(attacker: Attacker) -> None:
    answer = attacker.knock(attacker.token())
    assert answer.status_code == attacker.door.accepts, answer.text


def test_a_token_without_signature_is_refused(attacker: Attacker) -> None:
    claims = attacker.clerk.mint(attacker.instance, attacker.user_id)["claims"]
    attacker.refused(unsigned(claims, attacker.kid))


def test_the_public_key_is_no_secret(attacker: Attacker) -> None:
    claims = attacker.clerk.mint(attacker.instance, attacker.user_id)["claims"]
    attacker.refused(signed_with_public_key(claims, attacker.kid, attacker.pem))


def test_another_instances_key_is_refused_whatever_it_calls_itself(attacker: Attacker) -> None:
    other = OTHER[attacker.instance]
    attacker.refused(attacker.token(signedBy=other, headers={"kid": attacker.kid}))
    attacker.refused(attacker.token(signedBy=other))


def test_another_instances_token_is_refused(attacker: Attacker) -> None:
    other = OTHER[attacker.instance]
    attacker.refused(attacker.clerk.token(other, attacker.clerk.make_user(other)))


def test_tokens_are_good_at_their_time_only(attacker: Attacker) -> None:
    attacker.refused(attacker.token(expiresIn=-60))
    attacker.refused(attacker.token(claims={"nbf": int(time.time()) + 60}))


def test_an_issuer_or_party_that_is_not_ours_is_refused(attacker: Attacker) -> None:
    attacker.refused(attacker.token(claims={"iss": "https://evil.clerk.accounts.dev"}))
    if attacker.instance == "developers":
        attacker.refused(attacker.token(azp="https://evil.example"))
        attacker.refused(attacker.token(claims={"azp": None}))


def test_a_pending_session_is_refused(attacker: Attacker) -> None:
    attacker.refused(attacker.token(claims={"sts": "pending"}))


def test_a_tampered_token_is_refused(attacker: Attacker) -> None:
    token = attacker.token()
    attacker.refused(tampered(token, sub="user_of_somebody_else"))
    attacker.refused(tampered(token, exp=int(time.time()) + 86_400))
    attacker.refused(f"{token[:-8]}{'A' * 8}")


def test_a_huge_token_is_refused(attacker: Attacker) -> None:
    """100 KB as a header: the runtime itself may refuse to take it before we can."""
    try:
        answer = attacker.knock("x" * 102_400)
    except httpx.RemoteProtocolError:
        return
    assert answer.status_code in (401, 431), answer.text
    attacker.refused("x" * 30_000)


def test_rubbish_is_refused(attacker: Attacker) -> None:
    for header in ("[" * 4000, "[" * 700, '{"x":' + "[" * 300 + "]" * 300 + "}"):
        attacker.refused(f"{base64.urlsafe_b64encode(header.encode()).decode().rstrip('=')}.e30.AAAA")
    for token in ("x", "...", "a.b.c", "null", "eyJhbGciOiJSUzI1NiJ9.e30.", "[" * 2000):
        attacker.refused(token)


def test_tokens_made_to_be_slow_hold_nobody_up(attacker: Attacker) -> None:
    """Brackets, then a string that never ends: each of its quotes once made the reader start anew."""
    header = "[" + "[]," * 65 + '"' + '\\"' * 2_800
    tokens = [
        f"{base64.urlsafe_b64encode(header.encode()).decode().rstrip('=')}.e30.{attempt:04}" for attempt in range(40)
    ]
    assert 7_000 < len(tokens[0]) < 8_192
    with ThreadPoolExecutor(len(tokens)) as pool:
        attacks = [pool.submit(attacker.refused, token) for token in tokens]
        assert httpx.get(f"{attacker.stack.url(attacker.door.worker)}/health", timeout=10).status_code == 200
        for attack in attacks:
            attack.result()


def test_unknown_keys_cause_no_more_than_one_fetch(attacker: Attacker) -> None:
    attacker.knock(attacker.token())
    attacker.clerk.clear("/calls")
    for attempt in range(12):
        attacker.refused(attacker.token(headers={"kid": f"ins_attack_{attempt}"}))
    assert attacker.clerk.key_set_calls() <= 1


def test_a_verified_token_is_not_verified_again(attacker: Attacker) -> None:
    token = attacker.token()
    attacker.knock(token)
    attacker.clerk.clear("/calls")
    assert attacker.knock(token).status_code == attacker.door.accepts
    assert attacker.clerk.key_set_calls() == 0
