"""Guarantee: a webhook that its vendor did not sign changes nothing. Every worker answers 400 and records no event."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.support.signing import sign_as_clerk, sign_as_stripe
from tests.support.stack import Stack

Sign = Callable[[bytes, str, int], Mapping[str, str]]


def as_stripe(body: bytes, secret: str, timestamp: int) -> Mapping[str, str]:
    return sign_as_stripe(body, secret, timestamp)


def as_clerk(body: bytes, secret: str, timestamp: int) -> Mapping[str, str]:
    return sign_as_clerk(body, secret, "msg_attack", timestamp)


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
    by_stripe, by_clerk = (as_stripe, "Stripe-Signature"), (as_clerk, "svix-signature")
    known = {
        "platform": (f"{account}stripe", stripe["platform"], stripe["connectTest"], *by_stripe),
        "connect test": (connect, stripe["connectTest"], stripe["connectLive"], *by_stripe),
        "connect live": (connect, stripe["connectLive"], stripe["connectTest"], *by_stripe),
        "developers": (f"{account}clerk", clerk["developers"], clerk["endUsersTest"], *by_clerk),
        "end users test": (sign_up, clerk["endUsersTest"], clerk["developers"], *by_clerk),
        "end users live": (sign_up, clerk["endUsersLive"], clerk["developers"], *by_clerk),
    }
    url, secret, other_secret, sign, signature_header = known[request.param]
    return Endpoint(url, request.param, secret, other_secret, sign, signature_header)


@pytest.fixture
def body(endpoint: Endpoint) -> bytes:
    event_id = f"evt_{time.time_ns()}"
    if endpoint.sign is as_clerk:
        return clerk_message(event_id)
    return stripe_event(event_id, livemode=endpoint.path == "connect live")


@pytest.fixture
def recorded(stack: Stack) -> Callable[[], int]:
    """How many events there are of the kind that these tests send."""

    def count() -> int:
        return stack.d1("SELECT count(*) AS n FROM events WHERE type = 'attack.attempted'")[0]["n"]

    return count


@pytest.fixture
def http(stack: Stack) -> Iterator[httpx.Client]:
    with stack.client() as client:
        yield client


def post(http: httpx.Client, endpoint: Endpoint, body: bytes, headers: Mapping[str, Any]) -> httpx.Response:
    return http.post(endpoint.url, content=body, headers={"Content-Type": "application/json", **headers})


def test_what_is_rightly_signed_is_accepted(
    http: httpx.Client, endpoint: Endpoint, body: bytes, recorded: Callable[[], int]
) -> None:
    before = recorded()
    signed = endpoint.sign(body, endpoint.secret, int(time.time()))
    assert post(http, endpoint, body, signed).status_code == 200
    assert post(http, endpoint, body, signed).status_code == 200
    assert recorded() <= before + 1, "a repeated delivery is one event"


def test_what_is_not_rightly_signed_is_400_and_recorded_nowhere(
    http: httpx.Client, endpoint: Endpoint, body: bytes, recorded: Callable[[], int]
) -> None:
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
        answer = post(http, endpoint, sent, headers)
        assert answer.status_code == 400, (headers, answer.text)
        error = answer.json()
        assert error["code"] == "invalid_signature" and error["requestId"]
        assert endpoint.secret not in answer.text
    assert recorded() == before


def test_a_huge_body_is_refused_unread(http: httpx.Client, endpoint: Endpoint, recorded: Callable[[], int]) -> None:
    before = recorded()
    huge = b" " * (1024 * 1024)
    assert post(http, endpoint, huge, endpoint.sign(huge, endpoint.secret, int(time.time()))).status_code == 413
    assert recorded() == before
