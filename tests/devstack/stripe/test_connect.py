"""Connect OAuth works and fails as at Stripe: consent, one-time codes, tokens, deauthorization."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import stripe
from stripe import oauth_error

REDIRECT = "http://localhost:9/callback"
CLIENT_IDS = {"test": "ca_test_local", "live": "ca_live_local"}
KEYS = {"test": "sk_test_local0000000000000001", "live": "sk_live_local0000000000000001"}


def consent(service: Any, mode: str = "test", **more: str) -> dict[str, Any]:
    ask = {"client_id": CLIENT_IDS[mode], "redirect_uri": REDIRECT, "state": "s-1", "scope": "read_write", **more}
    made = service.control("connect/authorize", ask)
    parts = urlsplit(made["redirect"])
    assert made["redirect"].startswith(REDIRECT + "?")
    return {**made, "query": {name: values[0] for name, values in parse_qs(parts.query).items()}}


def exchange(service: Any, code: str, mode: str = "test", **more: str) -> Any:
    body = {"grant_type": "authorization_code", "code": code, **more}
    return service.http.post("/oauth/token", data=body, headers={"Authorization": f"Bearer {KEYS[mode]}"})


@pytest.mark.parametrize("mode", ["test", "live"])
def test_an_account_is_connected_used_and_disconnected(service: Any, receiver: Any, mode: str) -> None:
    allowed = consent(service, mode)
    assert allowed["query"] == {"scope": "read_write", "code": allowed["query"]["code"], "state": "s-1"}
    client = service.client(mode)
    token = client.oauth.token({"grant_type": "authorization_code", "code": allowed["query"]["code"]})
    assert (
        token.stripe_user_id == allowed["account"]
        and token.livemode is (mode == "live")
        and token.scope == "read_write"
    )
    assert token.token_type == "bearer" and token.stripe_publishable_key.startswith(f"pk_{mode}_")
    theirs = service.client(mode, token.stripe_user_id)
    theirs.v1.products.create({"name": "Mug"})
    own = stripe.StripeClient(token.access_token, base_addresses={"api": service.url})
    assert [p.name for p in own.v1.products.list().data] == ["Mug"]
    assert client.v1.accounts.retrieve(token.stripe_user_id).charges_enabled is True

    gone = client.oauth.deauthorize({"client_id": CLIENT_IDS[mode], "stripe_user_id": token.stripe_user_id})
    assert gone.stripe_user_id == token.stripe_user_id
    for refused in (theirs.v1.products.list, own.v1.products.list):
        with pytest.raises((stripe.PermissionError, stripe.AuthenticationError)):
            refused()
    service.settle()
    events = [d.event for d in receiver.deliveries if d.path == f"/connect-{mode}"]
    assert [e["type"] for e in events] == [
        "account.application.authorized",
        "product.created",
        "account.application.deauthorized",
    ]
    assert events[-1]["account"] == token.stripe_user_id
    assert events[-1]["data"]["object"] == {"id": CLIENT_IDS[mode], "object": "application", "name": "dream-api"}
    with pytest.raises(oauth_error.InvalidClientError):
        client.oauth.deauthorize({"client_id": CLIENT_IDS[mode], "stripe_user_id": token.stripe_user_id})


def test_a_refusal_comes_back_as_access_denied(service: Any) -> None:
    refused = consent(service, decision="deny")
    assert refused["query"]["error"] == "access_denied" and refused["query"]["state"] == "s-1"


def test_a_code_works_once(service: Any) -> None:
    code = consent(service)["query"]["code"]
    assert exchange(service, code).status_code == 200
    again = exchange(service, code)
    assert again.status_code == 400 and again.json()["error"] == "invalid_grant"


def test_a_code_lives_five_minutes(service: Any) -> None:
    code = consent(service)["query"]["code"]
    service.control("clock", {"advanceSeconds": 301})
    late = exchange(service, code)
    assert (
        late.status_code == 400
        and late.json()["error"] == "invalid_grant"
        and "expired" in late.json()["error_description"]
    )


@pytest.mark.parametrize(
    ("body", "key", "status", "error"),
    [
        ({"grant_type": "authorization_code", "code": "ac_none"}, KEYS["test"], 400, "invalid_grant"),
        ({"grant_type": "authorization_code", "code": "ac_none"}, "sk_test_other", 401, "invalid_client"),
        ({"grant_type": "authorization_code", "code": "ac_none"}, "", 401, "invalid_client"),
        ({"grant_type": "password"}, KEYS["test"], 400, "unsupported_grant_type"),
        ({}, KEYS["test"], 400, "invalid_request"),
    ],
)
def test_token_errors_have_their_own_shape(
    service: Any, body: dict[str, str], key: str, status: int, error: str
) -> None:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    answer = service.http.post("/oauth/token", data=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (status, error) and answer.json()["error_description"]


def test_the_key_decides_the_mode(service: Any) -> None:
    as_live = exchange(service, consent(service, "test")["query"]["code"], "live")
    assert as_live.status_code == 400 and as_live.json()["error"] == "invalid_grant"
    as_test = exchange(service, consent(service, "live")["query"]["code"], "test")
    assert as_test.status_code == 200 and as_test.json()["livemode"] is False


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"client_id": "ca_other"}, "invalid_client"),
        ({"redirect_uri": REDIRECT + "/"}, "invalid_redirect_uri"),
        ({"redirect_uri": "http://evil.example/"}, "invalid_redirect_uri"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "everything"}, "invalid_scope"),
    ],
)
def test_a_wrong_authorization_request_is_never_redirected(service: Any, change: dict[str, str], error: str) -> None:
    query = {"response_type": "code", "client_id": CLIENT_IDS["test"], "redirect_uri": REDIRECT, "state": "x", **change}
    answer = service.http.get("/oauth/authorize", params=query)
    assert answer.status_code == 400 and answer.json()["error"] == error


def test_the_consent_page_carries_the_request_through(service: Any) -> None:
    url = service.client().oauth.authorize_url(
        {"scope": "read_write", "redirect_uri": REDIRECT, "state": "s-2", "response_type": "code"}
    )
    assert url.startswith(service.url)
    page = service.http.get(url)
    assert page.status_code == 200 and 'data-testid="connect-allow"' in page.text
    form = {
        "response_type": "code",
        "client_id": CLIENT_IDS["test"],
        "redirect_uri": REDIRECT,
        "state": "s-2",
        "scope": "read_write",
    }
    allowed = service.http.post(
        "/oauth/authorize", data={**form, "account": "new", "email": "shop@example.com", "decision": "allow"}
    )
    assert (
        allowed.status_code == 303
        and "code=ac_" in allowed.headers["location"]
        and "state=s-2" in allowed.headers["location"]
    )
    denied = service.http.post("/oauth/authorize", data={**form, "decision": "deny"})
    assert "error=access_denied" in denied.headers["location"]


def test_the_owner_can_disconnect_on_their_side(service: Any, receiver: Any) -> None:
    account = service.connect("live")
    service.control(f"accounts/{account}/disconnect", {"mode": "live"})
    service.settle()
    assert receiver.types("/connect-live") == ["account.application.authorized", "account.application.deauthorized"]
    with pytest.raises(stripe.PermissionError):
        service.client("live", account).v1.products.list()
