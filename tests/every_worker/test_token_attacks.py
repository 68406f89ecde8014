"""Guarantee: every worker that takes session tokens refuses every token that Clerk did not sign for it, now."""

from __future__ import annotations

import base64
import time

import pytest

from tests.support.clerk_controls import ClerkControls, signed_with_public_key, tampered, unsigned
from tests.support.stack import Stack
from tests.support.token_attacks import DOORS, OTHER, Attacker, assert_refused, attacker_at, slow_tokens


@pytest.fixture(params=DOORS, ids=[door.name for door in DOORS])
def attacker(request: pytest.FixtureRequest, stack: Stack, clerk: ClerkControls) -> Attacker:
    return attacker_at(request.param, stack, clerk)


def test_a_token_that_clerk_signed_opens_the_door(attacker: Attacker) -> None:
    answer = attacker.knock(attacker.token())
    assert answer.status_code == attacker.door.accepts, answer.text


def test_a_token_without_signature_is_refused(attacker: Attacker) -> None:
    claims = attacker.clerk.mint(attacker.instance, attacker.user_id)["claims"]
    attacker.refused(unsigned(claims, attacker.kid))


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(attacker: Attacker) -> None:
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
    for length in (102_400, 30_000):
        attacker.refused("x" * length)


def test_a_text_that_is_no_token_is_refused(attacker: Attacker) -> None:
    for header in ("[" * 4000, "[" * 700, '{"x":' + "[" * 300 + "]" * 300 + "}"):
        attacker.refused(f"{base64.urlsafe_b64encode(header.encode()).decode().rstrip('=')}.e30.AAAA")
    for token in ("x", "...", "a.b.c", "null", "eyJhbGciOiJSUzI1NiJ9.e30.", "[" * 2000):
        attacker.refused(token)


def test_tokens_made_to_be_slow_are_refused(attacker: Attacker) -> None:
    tokens = slow_tokens(40)
    assert 7_000 < len(tokens[0]) < 8_192
    answers = attacker.stack.at_once([attacker.request(token) for token in tokens])
    for token, answer in zip(tokens, answers, strict=True):
        assert_refused(answer, token)


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
