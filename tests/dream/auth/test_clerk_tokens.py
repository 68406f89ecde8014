"""A session token is accepted only if Clerk signed it for this instance and it is valid now."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from dream.auth.clerk_tokens import MAXIMUM_HEADER_LENGTH, Claims, verified_claims
from dream.errors import Unauthorized, Unavailable
from dream.runtime import clock
from tests.dream.auth.conftest import Clerk
from tests.support.clerk_instance import Instance, base64url
from tests.support.world import World


def claims_of(world: World, token: str) -> Claims:
    return asyncio.run(verified_claims(world.context, world.context.settings.clerk("DEVELOPERS"), token))


def refused(world: World, token: str, code: str = "invalid_token") -> None:
    with pytest.raises(Unauthorized) as refusal:
        claims_of(world, token)
    assert refusal.value.code == code
    shown = str(refusal.value.to_json())
    assert len(token) < 20 or token not in shown


def test_a_token_of_clerk_is_accepted(world: World, clerk: Clerk) -> None:
    claims = claims_of(world, clerk.developers.token(email="ada@example.com"))
    assert (claims.user_id, claims.session_id, claims.email) == ("user_1", "sess_1", "ada@example.com")
    assert not claims.is_impersonated


def test_header_parameters_that_clerk_adds_do_no_harm(world: World, clerk: Clerk) -> None:
    claims_of(world, clerk.developers.token({"oiat": 1, "cat": "cl_B7d4PD111AAA"}))
    claims_of(world, clerk.developers.token_with_header({"alg": "RS256", "kid": "ins_key"}))


def test_a_token_without_signature_is_refused(world: World, clerk: Clerk) -> None:
    unsigned = clerk.developers.unsigned_token()
    refused(world, unsigned)
    refused(world, unsigned.rstrip("."))
    header, payload, _ = clerk.developers.token().split(".")
    refused(world, f"{header}.{payload}.")


def test_the_public_key_is_not_accepted_as_a_secret(world: World, clerk: Clerk) -> None:
    refused(world, clerk.developers.token_signed_with_public_key())


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "HS256", "RS384", "RS512", "PS256", "ES256", "rs256", "", None, ["RS256"]]
)
def test_every_other_algorithm_is_refused(world: World, clerk: Clerk, algorithm: Any) -> None:
    refused(world, clerk.developers.token_with_header({"alg": algorithm, "kid": "ins_key"}))


def test_another_instances_key_of_the_same_kid_is_refused(world: World, clerk: Clerk) -> None:
    for other in (clerk.end_users_test, clerk.end_users_live):
        assert other.kid == clerk.developers.kid
        refused(world, other.token(iss=clerk.developers.issuer))
        refused(world, other.token())


def test_a_key_that_the_token_brings_along_is_ignored(world: World, clerk: Clerk) -> None:
    attacker = Instance("attacker")
    headers = {"jwk": attacker.jwk(), "jku": attacker.jwks_url, "x5u": attacker.jwks_url}
    refused(world, attacker.token(headers, iss=clerk.developers.issuer))
    assert {call.url for call in world.fetch.calls} == {clerk.developers.jwks_url}


def test_time_is_checked_with_five_seconds_of_skew(world: World, clerk: Clerk) -> None:
    now = int(time.time())
    claims_of(world, clerk.developers.token(exp=now - 3))
    claims_of(world, clerk.developers.token(nbf=now + 4, sid="sess_2"))
    claims_of(world, clerk.developers.token(iat=now + 4, sid="sess_3"))
    refused(world, clerk.developers.token(exp=now - 6), "token_expired")
    refused(world, clerk.developers.token(nbf=now + 9))
    refused(world, clerk.developers.token(iat=now + 9))


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", [None, "1", True, -1, 1e300, 10**400, [1]])
def test_a_token_without_its_times_is_refused(world: World, clerk: Clerk, name: str, value: Any) -> None:
    header = {"alg": "RS256", "kid": "ins_key"}
    refused(world, clerk.developers.token_with_header(header, **{name: value}))


@pytest.mark.parametrize("value", ["NaN", "Infinity"])
def test_a_time_that_is_no_number_is_refused(world: World, clerk: Clerk, value: str) -> None:
    refused(world, clerk.developers.token_with_header({"alg": "RS256", "kid": "ins_key"}, exp=float(value)))


def test_another_issuer_is_refused(world: World, clerk: Clerk) -> None:
    for issuer in (
        None,
        clerk.end_users_test.issuer,
        f"{clerk.developers.issuer}/",
        clerk.developers.issuer.upper(),
        ["x"],
    ):
        refused(world, clerk.developers.token_with_header({"alg": "RS256", "kid": "ins_key"}, iss=issuer))


def test_an_authorized_party_is_demanded_where_parties_are_listed(world: World, clerk: Clerk) -> None:
    refused(world, clerk.developers.token(azp="https://evil.example"))
    refused(world, clerk.developers.token(azp=None))
    instance = world.context.settings.clerk("END_USERS_TEST")
    anywhere = clerk.end_users_test.token(azp=None)
    assert asyncio.run(verified_claims(world.context, instance, anywhere)).user_id == "user_1"


def test_a_pending_session_is_refused(world: World, clerk: Clerk) -> None:
    refused(world, clerk.developers.token(sts="pending"))


@pytest.mark.parametrize("subject", [None, "", 7, "x" * 129, "üser", ["user_1"]])
def test_a_token_without_a_subject_is_refused(world: World, clerk: Clerk, subject: Any) -> None:
    refused(world, clerk.developers.token_with_header({"alg": "RS256", "kid": "ins_key"}, sub=subject))


def test_critical_and_foreign_headers_are_refused(world: World, clerk: Clerk) -> None:
    for header in ({"crit": ["exp"]}, {"crit": []}, {"typ": "at+jwt"}, {"typ": "jwt"}, {"typ": None}):
        refused(world, clerk.developers.token_with_header({"alg": "RS256", "kid": "ins_key", **header}))


def test_any_change_to_a_token_breaks_it(world: World, clerk: Clerk) -> None:
    token = clerk.developers.token()
    claims_of(world, token)
    for index in range(0, len(token), 7):
        other = "A" if token[index] != "A" else "B"
        refused(world, token[:index] + other + token[index + 1 :])
    last = {"A": "B", "Q": "R", "g": "h", "w": "x"}[token[-1]]
    refused(world, token[:-1] + last)
    for changed in (token + "=", token + "\n", " " + token, token.replace(".", "..", 1), token + ".x"):
        refused(world, changed)


def test_claims_of_another_token_do_not_fit_the_signature(world: World, clerk: Clerk) -> None:
    header, _, signature = clerk.developers.token().split(".")
    _, payload, _ = clerk.developers.token(sub="user_2").split(".")
    refused(world, f"{header}.{payload}.{signature}")


def test_a_long_header_is_refused_before_it_is_decoded(world: World, clerk: Clerk) -> None:
    def token(padding: int) -> str:
        header = {"alg": "RS256", "kid": "ins_key", "oiat": "x" * padding}
        return clerk.developers.token_with_header(header)

    claims_of(world, token(600))
    assert len(token(800).partition(".")[0]) > MAXIMUM_HEADER_LENGTH
    refused(world, token(800))


def test_a_huge_token_is_refused_before_it_is_decoded(world: World, clerk: Clerk) -> None:
    refused(world, clerk.developers.token(padding="x" * 100_000))
    refused(world, "a." * 50_000)
    assert not world.fetch.calls


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "....",
        "é.é.é",
        "{}",
        base64url(b"[" * 4000) + ".e30.e30",
        base64url(b"7") + ".e30.",
        "\x00",
    ],
)
def test_rubbish_is_refused(world: World, token: str) -> None:
    refused(world, token)


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"RS256","kid":"ins_key","x":' + b"[" * 65 + b"]" * 65 + b"}",
        '{"alg":"RS256","kid":"ins_key"}'.encode("utf-16"),
        '{"alg":"RS256","kid":"ins_key"}'.encode("utf-32-le"),
        b'{"alg":"RS256","kid":"ins_key","x":NaN}',
        b'["RS256"]',
    ],
)
def test_a_header_that_our_json_parser_refuses_never_reaches_pyjwt(
    world: World, monkeypatch: pytest.MonkeyPatch, header: bytes
) -> None:
    monkeypatch.setattr("jwt.PyJWS.decode", pytest.fail)
    refused(world, f"{base64url(header)}.e30.AAAA")


def test_a_payload_is_read_by_our_json_parser_and_no_other(
    world: World, clerk: Clerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jwt.PyJWT._decode_payload", pytest.fail)
    claims_of(world, clerk.developers.token())
    nested: list[Any] = []
    for _ in range(70):
        nested = [nested]
    refused(world, clerk.developers.token(metadata=nested))


def test_a_padded_token_is_not_the_same_token(world: World, clerk: Clerk) -> None:
    """PyJWT accepts padding. But a verified token is cached by its text, so a token must have only one spelling."""
    padded = [segment + "=" * (-len(segment) % 4) for segment in clerk.developers.token().split(".")]
    assert "=" in "".join(padded)
    refused(world, ".".join(padded))


def test_a_detached_payload_is_refused(world: World, clerk: Clerk) -> None:
    refused(world, clerk.developers.token_with_header({"alg": "RS256", "kid": "ins_key", "b64": False}))


def test_unknown_keys_cause_one_fetch(world: World, clerk: Clerk) -> None:
    for attempt in range(10):
        refused(world, clerk.developers.token({"kid": f"attack_{attempt}"}))
    assert len(world.fetch.calls) == 1


def test_keys_that_cannot_be_fetched_are_never_the_callers_fault(world: World, clerk: Clerk) -> None:
    clerk.is_down = True
    with pytest.raises(Unavailable):
        claims_of(world, clerk.developers.token())


def test_a_verified_token_is_remembered_until_it_expires(
    world: World, clerk: Clerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = clerk.developers.token()
    claims_of(world, token)
    clerk.is_down = True
    monkeypatch.setattr("dream.crypto.rs256.RsaPublicKey.verifies", pytest.fail)
    claims_of(world, token)
    real = clock.read
    monkeypatch.setattr(clock, "read", lambda: real() + 66)
    refused(world, token, "token_expired")


def test_a_token_remembered_for_one_instance_is_unknown_to_another(world: World, clerk: Clerk) -> None:
    token = clerk.developers.token()
    claims_of(world, token)
    with pytest.raises(Unauthorized):
        asyncio.run(verified_claims(world.context, world.context.settings.clerk("END_USERS_TEST"), token))


@pytest.mark.parametrize("holder", [None, "metadata", "publicMetadata"])
def test_the_project_is_read_from_wherever_a_template_puts_it(world: World, clerk: Clerk, holder: str | None) -> None:
    named: dict[str, Any] = {"publishableKey": "pk_test_x"}
    token = clerk.developers.token(**(named if holder is None else {holder: named}))
    assert claims_of(world, token).publishable_key == "pk_test_x"


@pytest.mark.parametrize("metadata", [None, "text", [], {"publishableKey": 7}, {"publishableKey": ""}, {}])
def test_metadata_of_other_shapes_name_no_project(world: World, clerk: Clerk, metadata: Any) -> None:
    assert claims_of(world, clerk.developers.token(metadata=metadata)).publishable_key is None
