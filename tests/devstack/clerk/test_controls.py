"""Faults, counted calls, restarts and the configuration work, so that other tests can rely on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from devstack.clerk.config import Config, ConfigError, frontend_api_host, publishable_key

NewEmail = Callable[[], str]


def test_a_rate_limit_says_when_to_come_back(clerk: Any, users: httpx.Client) -> None:
    clerk.control("POST", "faults", path="/v1/users", method="GET", status=429, retryAfter=7, times=2)
    for _ in range(2):
        limited = users.get("/users")
        assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")
        assert limited.json()["errors"][0]["code"] == "too_many_requests"
    assert users.get("/users").status_code == 200


def test_a_fault_hits_only_what_it_names(clerk: Any, users: httpx.Client) -> None:
    clerk.control("POST", "faults", path="/v1/users/*/metadata", method="PATCH", status=503)
    assert users.get("/users").status_code == 200
    broken = users.patch("/users/user_x/metadata", json={})
    assert (broken.status_code, set(broken.json())) == (503, {"errors", "clerk_trace_id"})
    assert users.patch("/users/user_x/metadata", json={}).status_code == 404
    clerk.control("POST", "faults", path="/v1/users", times=5)
    assert clerk.control("DELETE", "faults") == {"faults": []}
    assert users.get("/users").status_code == 200


def test_a_call_can_hang_longer_than_its_callers_timeout(clerk: Any, users: httpx.Client) -> None:
    clerk.control("POST", "faults", path="/v1/jwks", hangSeconds=2)
    with pytest.raises(httpx.ReadTimeout):
        users.get("/jwks", timeout=0.2)


def test_calls_are_counted_by_path(clerk: Any) -> None:
    path = "/end-users-test/.well-known/jwks.json"
    for _ in range(3):
        httpx.get(clerk.url + path)
    assert clerk.control("GET", "calls", path="*/jwks.json", method="GET") == {
        "total": 3,
        "calls": [{"method": "GET", "path": path, "count": 3}],
    }
    assert clerk.control("DELETE", "calls")["total"] == 0
    assert clerk.control("GET", "calls")["total"] == 0


def test_creating_a_user_with_the_same_id_again_changes_nothing(clerk: Any, new_email: NewEmail) -> None:
    fields = {"instance": "developers", "userId": "user_demo", "email": new_email(), "password": "demo"}
    first = clerk.control("POST", "users", **fields)
    assert first["id"] == "user_demo"
    assert clerk.control("POST", "users", **fields) == first


def test_users_sessions_keys_and_clock_survive_a_restart(clerk: Any, users: httpx.Client, new_email: NewEmail) -> None:
    user = clerk.control("POST", "users", instance="endUsersTest", email=new_email())
    session = users.post("/sessions", json={"user_id": user["id"]}).json()
    clerk.control("POST", "clock", offsetSeconds=3600)
    before = httpx.get(f"{clerk.issuer('endUsersTest')}/.well-known/jwks.json").json()
    clerk.stop()
    clerk.start()
    assert httpx.get(f"{clerk.issuer('endUsersTest')}/.well-known/jwks.json").json() == before
    assert users.get(f"/users/{user['id']}").json()["id"] == user["id"]
    assert users.get(f"/sessions/{session['id']}").json()["status"] == "active"
    assert clerk.control("GET", "clock")["offsetSeconds"] == 3600


def test_publishable_keys_name_their_frontend_api() -> None:
    assert publishable_key("a-b-1.clerk.accounts.dev") == "pk_test_YS1iLTEuY2xlcmsuYWNjb3VudHMuZGV2JA"
    assert frontend_api_host(publishable_key("clerk.example.com", live=True)) == "clerk.example.com"


def _document(**changed: Any) -> dict[str, Any]:
    instance = {
        "name": "developers",
        "publishableKey": publishable_key("a.clerk.accounts.dev"),
        "secretKey": "sk_test_x",
        "issuer": "http://localhost:8792/developers",
    }
    return {"instances": [{**instance, **changed}]}


@pytest.mark.parametrize(
    "document",
    [
        {"instances": []},
        _document(name=""),
        _document(publishableKey="pk_test_bm90IGEga2V5"),
        _document(secretKey="sk_live_x"),
        _document(issuer="http://localhost:8792"),
        _document(issuer="http://localhost:8792/v1"),
        _document(webhook={"url": "http://localhost:1", "secret": "no prefix"}),
        {"instances": [*_document()["instances"], *_document()["instances"]]},
    ],
)
def test_a_wrong_configuration_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Config.from_json(document)
