"""Attacks by token in the real runtime, at one route of each instance of Clerk. tests/every_worker makes them all at every route."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from devstack.stack.stack import Stack
from tests.support.clerk_controls import ClerkControls, tampered, unsigned
from tests.support.token_attacks import DOORS, OTHER, Attacker, attacker_at, slow_tokens

CHOSEN = [door for door in DOORS if door.name in ("publishable key", "account", "sign-up, live")]


@pytest.fixture(scope="module")
def clerk(stack: Stack) -> Iterator[ClerkControls]:
    controls = ClerkControls(stack)
    yield controls
    controls.close()


@pytest.fixture(params=CHOSEN, ids=[door.name for door in CHOSEN])
def attacker(request: pytest.FixtureRequest, stack: Stack, clerk: ClerkControls) -> Attacker:
    return attacker_at(request.param, stack, clerk)


def test_only_a_token_that_clerk_signed_is_accepted(attacker: Attacker) -> None:
    token = attacker.token()
    assert attacker.knock(token).status_code == attacker.door.accepts
    claims = attacker.clerk.mint(attacker.instance, attacker.user_id)["claims"]
    attacker.refused(unsigned(claims, attacker.kid))
    attacker.refused(tampered(token, sub="user_of_somebody_else"))
    attacker.refused(attacker.token(signedBy=OTHER[attacker.instance], headers={"kid": attacker.kid}))
    attacker.refused(attacker.token(expiresIn=-60))


def test_a_huge_token_is_refused(attacker: Attacker) -> None:
    """100 KB in a header: the runtime may refuse it before the worker does."""
    try:
        answer = attacker.knock("x" * 102_400)
    except httpx.RemoteProtocolError:
        return
    assert answer.status_code in (401, 431), answer.text
    attacker.refused("x" * 30_000)


def test_a_text_that_is_no_token_is_refused(attacker: Attacker) -> None:
    for header in ("[" * 4000, "[" * 700, '{"x":' + "[" * 300 + "]" * 300 + "}"):
        attacker.refused(f"{base64.urlsafe_b64encode(header.encode()).decode().rstrip('=')}.e30.AAAA")
    for token in ("x", "...", "a.b.c", "null", "eyJhbGciOiJSUzI1NiJ9.e30.", "[" * 2000):
        attacker.refused(token)


def test_tokens_made_to_be_slow_delay_nobody(attacker: Attacker) -> None:
    tokens = slow_tokens(40)
    assert 7_000 < len(tokens[0]) < 8_192
    with ThreadPoolExecutor(len(tokens)) as pool:
        attacks = [pool.submit(attacker.refused, token) for token in tokens]
        assert httpx.get(f"{attacker.stack.url(attacker.door.worker)}/health", timeout=10).status_code == 200
        for attack in attacks:
            attack.result()
