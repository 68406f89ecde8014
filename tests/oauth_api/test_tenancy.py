"""oauth-api answers for another developer's project as for a missing one, and changes nothing of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from dream.domain import keys
from tests.support.developers import Developer, make_developer
from tests.support.stack import Stack
from tests.support.stripe_accounts import StripeControls

BODY: Mapping[str, Any] = {
    "mode": "test",
    "projectName": "Notes",
    "projectType": "saas",
    "tiers": [
        {"name": "free", "displayName": "Free", "price": 0, "limit": 100},
        {"name": "pro", "displayName": "Pro", "price": 2900, "limit": 5000},
    ],
}


TABLES = ("projects", "tiers", "tier_prices", "api_keys", "stripe_tokens", "redirect_origins", "project_drafts")
TIER = {"name": "max", "displayName": "Max", "price": 1, "limit": 1}


@dataclass(frozen=True)
class Attempt:
    """A request that names a project."""

    method: str
    path: str
    more: Mapping[str, Any]

    def by(self, developer: Developer, publishable_key: str) -> httpx.Response:
        if self.method == "GET":
            return developer.request("GET", f"{self.path}?publishableKey={publishable_key}")
        return developer.request(self.method, self.path, {"publishableKey": publishable_key, **self.more})


ATTEMPTS = (
    Attempt("GET", "/tiers", {}),
    Attempt("PUT", "/tiers", {"tierName": "pro", "updates": {"price": 1}}),
    Attempt("POST", "/tiers/add", {"tier": TIER}),
    Attempt("DELETE", "/tiers", {"tierName": "pro", "force": True}),
    Attempt("POST", "/promote-to-live", {}),
    Attempt("POST", "/promote-to-live", {"dryRun": True}),
)


def everything_of(owner: Developer) -> dict[str, list[dict[str, Any]]]:
    own = "SELECT publishableKey FROM projects WHERE platformId = ?1"
    return {
        table: owner.stack.d1(
            f"SELECT * FROM {table} WHERE "
            + (
                "platformId = ?1"
                if table in ("projects", "stripe_tokens", "project_drafts")
                else f"publishableKey IN ({own})"
            ),
            owner.platform_id,
        )
        for table in TABLES
    }


def without_request_id(answer: httpx.Response) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name != "requestId"}


@pytest.mark.parametrize(
    "attempt", ATTEMPTS, ids=lambda attempt: f"{attempt.method} {attempt.path} {attempt.more}"[:40]
)
def test_another_developers_project_gets_the_answer_of_a_missing_one(
    stack: Stack, stripe: StripeControls, attempt: Attempt
) -> None:
    owner = make_developer(stack, stripe, connected=("test", "live"))
    stranger = make_developer(stack, stripe, connected=("test", "live"))
    theirs = owner.post("/create-products", BODY).json()["publishableKey"]
    before = everything_of(owner)
    foreign = attempt.by(stranger, theirs)
    missing = attempt.by(stranger, keys.make_key("pk", "test", os.urandom))
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert without_request_id(foreign) == without_request_id(missing)
    assert everything_of(owner) == before
    for mode in ("test", "live"):
        assert not stripe.api("GET", "products", stranger.accounts[mode], mode)["data"]


def test_a_developer_disconnects_only_their_own_account(stack: Stack, stripe: StripeControls) -> None:
    owner = make_developer(stack, stripe, connected=("test", "live"))
    stranger = make_developer(stack, stripe, connected=())
    before = everything_of(owner)
    body = {"mode": "test", "platformId": owner.platform_id, "stripeAccountId": owner.accounts["test"]}
    assert stranger.post("/disconnect", body).status_code == 409
    assert everything_of(owner) == before
    assert owner.post("/disconnect", {"mode": "test"}).status_code == 200
    modes = {row["mode"]: row["status"] for row in everything_of(owner)["stripe_tokens"]}
    assert modes == {"test": "revoked", "live": "connected"}


def test_equal_requests_of_two_developers_create_two_projects(stack: Stack, stripe: StripeControls) -> None:
    one, other = make_developer(stack, stripe), make_developer(stack, stripe)
    headers = {"Idempotency-Key": "the same"}
    first = one.post("/create-products", BODY, **headers).json()
    second = other.post("/create-products", BODY, **headers)
    assert "Idempotent-Replayed" not in second.headers
    assert second.json()["publishableKey"] != first["publishableKey"]
    assert second.json()["secretKey"] != first["secretKey"]
    assert len(stripe.api("GET", "products", other.accounts["test"])["data"]) == 1


def test_every_route_refuses_other_credentials(stack: Stack, stripe: StripeControls) -> None:
    owner = make_developer(stack, stripe, connected=("test", "live"))
    made = owner.post("/create-products", BODY).json()
    for authorization in (
        None,
        f"Bearer {made['secretKey']}",
        f"Bearer {made['publishableKey']}",
        f"Bearer {owner.token[:-4]}AAAA",
        "Bearer x.y.z",
    ):
        headers = {"X-Publishable-Key": made["publishableKey"], "X-User-Id": owner.user_id}
        headers |= {} if authorization is None else {"Authorization": authorization}
        for method, path in (
            ("POST", "/authorize"),
            ("POST", "/disconnect"),
            ("POST", "/create-products"),
            ("GET", f"/tiers?publishableKey={made['publishableKey']}"),
            ("PUT", "/tiers"),
            ("POST", "/tiers/add"),
            ("DELETE", "/tiers"),
            ("POST", "/promote-to-live"),
        ):
            answer = stack.http("oauth-api").request(method, path, headers=headers)
            assert answer.status_code == 401, (method, path, authorization, answer.text)


def test_browsers_of_other_origins_may_not_read(stack: Stack) -> None:
    oauth_api = stack.http("oauth-api")
    own = oauth_api.options("/tiers", headers={"Origin": stack.url("frontend")})
    other = oauth_api.options("/tiers", headers={"Origin": "https://evil.example"})
    assert own.headers["Access-Control-Allow-Origin"] == stack.url("frontend")
    assert "Access-Control-Allow-Origin" not in other.headers
    assert "Access-Control-Allow-Credentials" not in own.headers
