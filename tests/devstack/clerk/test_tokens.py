"""Session tokens, template tokens and sign-in tokens have Clerk's claims and lifetimes, and PyJWT verifies them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from clerk_backend_api import Clerk
from clerk_backend_api.security import verify_token
from clerk_backend_api.security.types import VerifyTokenOptions

NewEmail = Callable[[], str]
Backend = Callable[[str], httpx.Client]


@pytest.fixture
def user(clerk: Any, new_email: NewEmail) -> dict[str, Any]:
    metadata = {"publishableKey": "pk_test_abc", "plan": "pro", "limits": {"calls": 500}}
    return clerk.control("POST", "users", instance="endUsersTest", email=new_email(), publicMetadata=metadata)


@pytest.fixture
def session(users: httpx.Client, user: dict[str, Any]) -> dict[str, Any]:
    return users.post("/sessions", json={"user_id": user["id"]}).json()


def verified(clerk: Any, token: str, instance: str = "endUsersTest") -> dict[str, Any]:
    """The claims, verified with PyJWT and the instance's published keys."""
    keys = jwt.PyJWKSet.from_dict(httpx.get(f"{clerk.issuer(instance)}/.well-known/jwks.json").json())
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["typ"]) == ("RS256", "JWT")
    return jwt.decode(
        token,
        keys[header["kid"]].key,
        algorithms=["RS256"],
        issuer=clerk.issuer(instance),
        options={"require": ["exp", "iat", "nbf", "sub", "iss"]},
    )


def test_a_session_token_has_the_claims_of_version_2(
    clerk: Any, users: httpx.Client, user: dict[str, Any], session: dict[str, Any]
) -> None:
    answer = users.post(f"/sessions/{session['id']}/tokens").json()
    assert answer["object"] == "token"
    claims = verified(clerk, answer["jwt"])
    assert claims["exp"] - claims["iat"] == 60
    assert claims["nbf"] < claims["iat"]
    assert (claims["sub"], claims["sid"], claims["v"], claims["sts"]) == (user["id"], session["id"], 2, "active")
    assert claims["fva"] == [0, -1]
    assert claims["metadata"] == user["public_metadata"]
    assert "azp" not in claims
    again = users.post(f"/sessions/{session['id']}/tokens").json()["jwt"]
    assert verified(clerk, again)["jti"] != claims["jti"]


def test_a_token_has_the_current_metadata(
    clerk: Any, users: httpx.Client, user: dict[str, Any], session: dict[str, Any]
) -> None:
    users.patch(f"/users/{user['id']}/metadata", json={"public_metadata": {"plan": None}})
    claims = verified(clerk, users.post(f"/sessions/{session['id']}/tokens").json()["jwt"])
    assert "plan" not in claims["metadata"]


def test_clerks_own_verifier_accepts_a_token_with_the_published_pem(
    clerk: Any, users: httpx.Client, user: dict[str, Any], session: dict[str, Any]
) -> None:
    token = users.post(f"/sessions/{session['id']}/tokens").json()["jwt"]
    instances = clerk.control("GET", "instances")["instances"]
    pem = next(item["jwtKey"] for item in instances if item["name"] == "endUsersTest")
    assert verify_token(token, VerifyTokenOptions(jwt_key=pem))["sub"] == user["id"]
    other = next(item["jwtKey"] for item in instances if item["name"] == "endUsersLive")
    with pytest.raises(Exception, match="signature"):
        verify_token(token, VerifyTokenOptions(jwt_key=other))


def test_template_tokens_have_their_own_claims_and_no_session_id(
    clerk: Any, users: httpx.Client, user: dict[str, Any], session: dict[str, Any]
) -> None:
    claims = {
        "id": "{{user.id}}",
        "email": "{{user.primary_email_address}}",
        "limits": "{{user.public_metadata.limits}}",
        "calls": "{{ user.public_metadata.limits.calls }}",
        "absent": "{{user.public_metadata.absent.deeper}}",
        "fallback": "{{user.public_metadata.absent || user.public_metadata.plan}}",
        "text": "plan={{user.public_metadata.plan}}, absent={{user.public_metadata.absent}}",
        "fixed": [1, True, None, {"a": "{{user.first_name}}"}],
    }
    made = users.post("/jwt_templates", json={"name": "all-claims", "claims": claims, "lifetime": 600}).json()
    assert (made["object"], made["lifetime"], made["signing_algorithm"]) == ("jwt_template", 600, "RS256")
    try:
        token = users.post(f"/sessions/{session['id']}/tokens/all-claims").json()["jwt"]
    finally:
        assert users.delete(f"/jwt_templates/{made['id']}").json()["deleted"] is True
    got = verified(clerk, token)
    assert "sid" not in got
    assert got["exp"] - got["iat"] == 600
    assert {name: got[name] for name in claims} == {
        "id": user["id"],
        "email": user["email_addresses"][0]["email_address"],
        "limits": {"calls": 500},
        "calls": 500,
        "absent": None,
        "fallback": "pro",
        "text": "plan=pro, absent=",
        "fixed": [1, True, None, {"a": None}],
    }
    assert users.post(f"/sessions/{session['id']}/tokens/all-claims").status_code == 404


def test_configured_templates_exist_after_the_start(clerk: Any, users: httpx.Client, session: dict[str, Any]) -> None:
    claims = verified(clerk, users.post(f"/sessions/{session['id']}/tokens/end-user-api").json()["jwt"])
    assert (claims["publishableKey"], claims["plan"]) == ("pk_test_abc", "pro")


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "no-claims"},
        {"name": "bad name", "claims": {"a": 1}},
        {"name": "reserved", "claims": {"sub": "someone-else"}},
        {"name": "short", "claims": {"a": 1}, "lifetime": 5},
        {"name": "end-user-api", "claims": {"a": 1}},
        {"name": "unknown-field", "claims": {"a": 1}, "ttl": 60},
    ],
)
def test_a_wrong_template_is_refused(users: httpx.Client, fields: dict[str, Any]) -> None:
    assert users.post("/jwt_templates", json=fields).status_code in (400, 422)


def test_a_revoked_session_gives_no_more_tokens(users: httpx.Client, session: dict[str, Any]) -> None:
    assert users.post(f"/sessions/{session['id']}/revoke").json()["status"] == "revoked"
    assert users.post(f"/sessions/{session['id']}/tokens").status_code == 404
    listed = users.get("/sessions", params={"user_id": session["user_id"], "status": "revoked"}).json()
    assert [item["id"] for item in listed] == [session["id"]]


def test_sessions_cannot_be_made_by_a_server_in_production(clerk: Any, backend: Backend, new_email: NewEmail) -> None:
    user = clerk.control("POST", "users", instance="endUsersLive", email=new_email())
    assert backend("endUsersLive").post("/sessions", json={"user_id": user["id"]}).status_code == 400


def test_the_clock_moves_tokens_and_ends_sessions(clerk: Any, users: httpx.Client, session: dict[str, Any]) -> None:
    def minted() -> dict[str, Any]:
        token = users.post(f"/sessions/{session['id']}/tokens").json()["jwt"]
        return jwt.decode(token, options={"verify_signature": False})

    before = minted()
    clerk.control("POST", "clock", offsetSeconds=86400)
    after = minted()
    assert 86400 <= after["iat"] - before["iat"] <= 86410
    assert after["fva"][0] == 1440
    clerk.control("POST", "clock", offsetSeconds=8 * 86400)
    assert users.get(f"/sessions/{session['id']}").json()["status"] == "expired"


def test_keys_differ_between_instances_and_rotate(clerk: Any, backend: Backend) -> None:
    def kids(instance: str) -> list[str]:
        published = httpx.get(f"{clerk.issuer(instance)}/.well-known/jwks.json").json()
        assert published == backend(instance).get("/jwks").json()
        assert all(set(key) == {"use", "kty", "kid", "alg", "n", "e"} for key in published["keys"])
        return [key["kid"] for key in published["keys"]]

    every = [kids(name) for name in ("developers", "endUsersTest", "endUsersLive")]
    assert len({kid for each in every for kid in each}) == sum(len(each) for each in every)
    old = kids("developers")
    added = clerk.control("POST", "keys/rotate", instance="developers")["kid"]
    assert kids("developers") == [*old, added]
    only = clerk.control("POST", "keys/rotate", instance="developers", keepOld=False)["kid"]
    assert kids("developers") == [only]


def test_a_control_makes_tokens_that_must_be_refused(clerk: Any, user: dict[str, Any]) -> None:
    def mint(**fields: Any) -> str:
        return clerk.control("POST", "tokens", instance="endUsersTest", userId=user["id"], **fields)["token"]

    good = verified(clerk, mint(azp="http://localhost:5173", claims={"metadata": None, "extra": 1}))
    assert (good["azp"], good["extra"]) == ("http://localhost:5173", 1)
    assert "metadata" not in good
    with pytest.raises(jwt.ExpiredSignatureError):
        verified(clerk, mint(expiresIn=-60))
    with pytest.raises(jwt.InvalidIssuerError):
        verified(clerk, mint(claims={"iss": "https://elsewhere.example"}))
    kid = jwt.get_unverified_header(mint())["kid"]
    with pytest.raises(jwt.InvalidSignatureError):
        verified(clerk, mint(signedBy="endUsersLive", headers={"kid": kid}))
    templated = jwt.decode(mint(template="end-user-api"), options={"verify_signature": False})
    assert (templated["plan"], "sid" in templated) == ("pro", False)


def test_a_sign_in_token_is_a_signed_ticket_with_the_asked_lifetime(
    clerk: Any, users: httpx.Client, user: dict[str, Any]
) -> None:
    made = users.post("/sign_in_tokens", json={"user_id": user["id"], "expires_in_seconds": 90}).json()
    assert (made["object"], made["status"], made["user_id"]) == ("sign_in_token", "pending", user["id"])
    claims = jwt.decode(made["token"], options={"verify_signature": False})
    assert (claims["st"], claims["iss"]) == ("sign_in_token", clerk.issuer("endUsersTest"))
    assert users.post(f"/sign_in_tokens/{made['id']}/revoke").json()["status"] == "revoked"
    assert users.post(f"/sign_in_tokens/{made['id']}/revoke").status_code == 400
    assert users.post("/sign_in_tokens", json={"user_id": "user_unknown"}).status_code == 404
    assert users.post("/sign_in_tokens", json={}).status_code == 422


@pytest.mark.filterwarnings("ignore:.*DEPRECATED:DeprecationWarning")
def test_clerks_own_sdk_understands_every_object(clerk: Any, new_email: NewEmail) -> None:
    """Clerk's SDK is generated from the OpenAPI description. It raises if an answer does not fit a model."""
    with Clerk(bearer_auth=clerk.secret_key("endUsersTest"), server_url=f"{clerk.url}/v1") as sdk:
        email = new_email()
        user = sdk.users.create(email_address=[email], password="analytical-engine-7", first_name="Ada")
        assert sdk.users.get(user_id=user.id).first_name == "Ada"
        assert [found.id for found in sdk.users.list(request={"email_address": [email]})] == [user.id]
        merged = sdk.users.update_metadata(user_id=user.id, public_metadata={"plan": "pro"})
        assert merged.public_metadata == {"plan": "pro"}
        session = sdk.sessions.create(request={"user_id": user.id})
        token = sdk.sessions.create_token(session_id=session.id)
        assert jwt.decode(token.jwt or "", options={"verify_signature": False})["sid"] == session.id
        assert sdk.sessions.create_token_from_template(session_id=session.id, template_name="end-user-api").jwt
        assert [found.id for found in sdk.sessions.list(user_id=user.id)] == [session.id]
        assert sdk.sessions.revoke(session_id=session.id).status == "revoked"
        ticket = sdk.sign_in_tokens.create(request={"user_id": user.id, "expires_in_seconds": 60})
        assert ticket and ticket.status == "pending"
        template = sdk.jwt_templates.create(request={"name": "sdk", "claims": {}})
        assert template and sdk.jwt_templates.delete(template_id=template.id).deleted is True
        assert sdk.jwks.get_jwks().keys
        assert sdk.users.delete(user_id=user.id).deleted is True
