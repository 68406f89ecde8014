"""What nobody signed changes nothing: every webhook answers 400 to it and records no event. In workerd."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from devstack.stack.stack import Stack

Sign = Callable[[bytes, str, int], Mapping[str, str]]


def sign_as_stripe(body: bytes, secret: str, timestamp: int) -> Mapping[str, str]:
    made = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={timestamp},v1={made}"}


def sign_as_clerk(body: bytes, secret: str, timestamp: int) -> Mapping[str, str]:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    made = hmac.new(key, f"msg_attack.{timestamp}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(made).decode()}"
    return {"svix-id": "msg_attack", "svix-timestamp": str(timestamp), "svix-signature": signature}


@dataclass(frozen=True)
class Endpoint:
    """A webhook: where it is, its secret, another endpoint's secret, and how its sender signs."""

    url: str
    path: str
    secret: str
    other_secret: str
    sign: Sign
    signature_header: str


def stripe_event(event_id: str, *, livemode: bool = False) -> bytes:
    event = {
        "id": event_id,
        "object": "event",
        "type": "attack.attempted",
        "account": None,
        "api_version": "2026-10-28.endive",
        "livemode": livemode,
        "created": int(time.time()),
        "data": {"object": {"id": "obj_1"}},
    }
    return json.dumps(event).encode()


def clerk_message(event_id: str) -> bytes:
    message = {
        "type": "attack.attempted",
        "timestamp": int(time.time() * 1000),
        "data": {"id": event_id},
        "object": "event",
    }
    return json.dumps(message).encode()


@pytest.fixture(params=["platform", "connect test", "connect live", "developers", "end users test", "end users live"])
def endpoint(request: pytest.FixtureRequest, stack: Stack) -> Endpoint:
    stripe = stack.state["webhookSecrets"]
    account = f"{stack.url('front-auth-api')}/webhook/"
    connect = f"{stack.url('api-multi')}/webhook/stripe"
    sign_up = f"{stack.url('sign-up')}/webhook/clerk"
    clerk = {
        name: stack.configuration.clerk_secrets(name)[1] for name in ("developers", "endUsersTest", "endUsersLive")
    }
    as_stripe, as_clerk = (sign_as_stripe, "Stripe-Signature"), (sign_as_clerk, "svix-signature")
    known = {
        "platform": (f"{account}stripe", stripe["platform"], stripe["connectTest"], *as_stripe),
        "connect test": (connect, stripe["connectTest"], stripe["connectLive"], *as_stripe),
        "connect live": (connect, stripe["connectLive"], stripe["connectTest"], *as_stripe),
        "developers": (f"{account}clerk", clerk["developers"], clerk["endUsersTest"], *as_clerk),
        "end users test": (sign_up, clerk["endUsersTest"], clerk["developers"], *as_clerk),
        "end users live": (sign_up, clerk["endUsersLive"], clerk["developers"], *as_clerk),
    }
    url, secret, other_secret, sign, signature_header = known[request.param]
    return Endpoint(url, request.param, secret, other_secret, sign, signature_header)


@pytest.fixture
def body(endpoint: Endpoint) -> bytes:
    event_id = f"evt_{time.time_ns()}"
    if endpoint.sign is sign_as_clerk:
        return clerk_message(event_id)
    return stripe_event(event_id, livemode=endpoint.path == "connect live")


@pytest.fixture
def recorded(stack: Stack) -> Callable[[], int]:
    """How many events there are of the kind that these tests send."""

    def count() -> int:
        return stack.d1("SELECT count(*) AS n FROM events WHERE type = 'attack.attempted'")[0]["n"]

    return count


def post(endpoint: Endpoint, body: bytes, headers: Mapping[str, Any]) -> httpx.Response:
    return httpx.post(endpoint.url, content=body, headers={"Content-Type": "application/json", **headers}, timeout=60)


def test_what_is_rightly_signed_is_taken(endpoint: Endpoint, body: bytes, recorded: Callable[[], int]) -> None:
    before = recorded()
    signed = endpoint.sign(body, endpoint.secret, int(time.time()))
    assert post(endpoint, body, signed).status_code == 200
    assert post(endpoint, body, signed).status_code == 200
    assert recorded() <= before + 1, "a repeated delivery is one event"


def test_nothing_else_is(endpoint: Endpoint, body: bytes, recorded: Callable[[], int]) -> None:
    now = int(time.time())
    before = recorded()
    name = endpoint.signature_header
    signed = dict(endpoint.sign(body, endpoint.secret, now))
    not_text = b'{"id": "\xff\xfe\xfa", "type": "attack.attempted"}'
    attacks: list[tuple[bytes, Mapping[str, Any]]] = [
        (body, {}),
        (body, {**signed, name: ""}),
        (body, {**signed, name: "nonsense"}),
        (body, {**signed, name: "t=,v1="}),
        (body, {**signed, name: "v1,"}),
        (body, {**signed, name: f"t={now},v1={'0' * 64}"}),
        (body, {**signed, name: f"v1,{base64.b64encode(b'0' * 32).decode()}"}),
        (body, {**signed, name: f"t={now},v1=".encode() + "ünsigned".encode()}),
        (body, {**signed, name: b"\xff\xfe"}),
        (body.replace(b"attempted", b"succeeded"), signed),
        (body + b"\n", signed),
        (b"", signed),
        (b"", endpoint.sign(b"", endpoint.secret, now)),
        (b"null", endpoint.sign(b"null", endpoint.secret, now)),
        (not_text, signed),
        (not_text, endpoint.sign(not_text, endpoint.secret, now)),
        (body, endpoint.sign(body, endpoint.secret, now - 301)),
        (body, endpoint.sign(body, endpoint.secret, now + 400)),
        (body, endpoint.sign(body, endpoint.other_secret, now)),
        (body, endpoint.sign(body, base64.b64encode(b"guess").decode(), now)),
    ]
    for sent, headers in attacks:
        answer = post(endpoint, sent, headers)
        assert answer.status_code == 400, (headers, answer.text)
        error = answer.json()
        assert error["code"] == "invalid_signature" and error["requestId"]
        assert endpoint.secret not in answer.text
    assert recorded() == before


def test_a_huge_body_is_refused_unread(endpoint: Endpoint, recorded: Callable[[], int]) -> None:
    before = recorded()
    huge = b" " * (1024 * 1024)
    assert post(endpoint, huge, endpoint.sign(huge, endpoint.secret, int(time.time()))).status_code == 413
    assert recorded() == before
