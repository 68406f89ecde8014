"""`POST /oauth/complete`: a user joins one project once, if calls repeat, race or die."""

from __future__ import annotations

import base64

import httpx
import pytest

from tests.support.clerk_controls import ClerkControls
from tests.support.in_process.stack import InProcessStack
from tests.support.killing import die_at
from tests.support.outbox import enqueued
from tests.support.sign_up_flows import (
    HOME,
    begin,
    complete,
    completion_of,
    projects_of,
)
from tests.support.stack import Stack
from tests.support.tenants import Tenant, make_tenant


def test_a_completed_user_belongs_to_the_project_and_clerk_has_it_in_the_metadata(
    stack: Stack, visitor: httpx.Client, tenant: Tenant, clerk: ClerkControls
) -> None:
    user = clerk.make_user("endUsersTest", firstName="Ada", lastName="Lovelace")
    answer = complete(visitor, clerk.token("endUsersTest", user), state=begin(visitor, tenant))
    assert answer.status_code == 200, answer.text
    key = tenant.publishable_key
    expected = {"success": True, "userId": user, "publishableKey": key, "plan": "free", "redirect": HOME}
    assert answer.json() == expected
    assert not enqueued(stack, user)
    assert clerk.public_metadata("endUsersTest", user) == {"publishableKey": key, "plan": "free"}
    row = stack.d1("SELECT * FROM end_users WHERE clerkUserId = ?1", user)[0]
    assert (row["publishableKey"], row["firstName"], row["lastName"]) == (key, "Ada", "Lovelace")
    assert row["email"].endswith("@example.com")
    # From now on the token names the project: no vendor is called, and nothing is enqueued.
    again = complete(visitor, clerk.token("endUsersTest", user), tenant)
    assert {**again.json(), "redirect": HOME} == expected
    assert "fetches=0" in again.headers["X-Round-Trips"]
    assert "d1=1" in again.headers["X-Round-Trips"]


def test_completions_at_once_are_one_completion(
    stack: Stack, visitor: httpx.Client, tenant: Tenant, clerk: ClerkControls
) -> None:
    user = clerk.make_user("endUsersTest")
    token = clerk.token("endUsersTest", user)
    answers = stack.at_once([completion_of(visitor, token, tenant) for _ in range(16)])
    assert {answer.status_code for answer in answers} == {200}
    assert projects_of(stack, user) == [tenant.publishable_key]
    assert not enqueued(stack, user)
    assert clerk.public_metadata("endUsersTest", user)["publishableKey"] == tenant.publishable_key


def test_of_two_projects_one_gets_the_user(stack: Stack, visitor: httpx.Client, clerk: ClerkControls) -> None:
    one, other = make_tenant(stack), make_tenant(stack)
    user = clerk.make_user("endUsersTest")
    token = clerk.token("endUsersTest", user)
    tenants = [one, other] * 4
    answers = stack.at_once([completion_of(visitor, token, tenant) for tenant in tenants])
    (home,) = projects_of(stack, user)
    for tenant, answer in zip(tenants, answers, strict=True):
        won = tenant.publishable_key == home
        assert (answer.status_code, answer.json().get("code")) == (
            (200, None) if won else (409, "belongs_to_other_project")
        )
    assert not enqueued(stack, user)
    assert clerk.public_metadata("endUsersTest", user)["publishableKey"] == home


def test_a_user_of_another_project_is_refused(
    stack: Stack, visitor: httpx.Client, tenant: Tenant, clerk: ClerkControls
) -> None:
    elsewhere = make_tenant(stack)
    user = clerk.make_user("endUsersTest")
    early = clerk.token("endUsersTest", user)  # from before the user had a project
    assert complete(visitor, early, elsewhere).status_code == 200
    assert not enqueued(stack, user)
    for token in (early, clerk.token("endUsersTest", user)):
        answer = complete(visitor, token, state=begin(visitor, tenant))
        assert (answer.status_code, answer.json()["code"]) == (409, "belongs_to_other_project")
        assert "redirect" not in answer.json()
    assert projects_of(stack, user) == [elsewhere.publishable_key]


def test_a_secret_key_that_names_a_user_id_makes_nobody_a_user_of_its_project(
    stack: Stack, visitor: httpx.Client, tenant: Tenant, clerk: ClerkControls
) -> None:
    """A backend may count calls of any user id. That adds no user to its project."""
    victim = clerk.make_user("endUsersTest")
    assert complete(visitor, clerk.token("endUsersTest", victim), tenant).status_code == 200
    assert not enqueued(stack, victim)
    thief = make_tenant(stack)
    named = stack.http("api-multi").post("/api/data", headers=thief.headers(victim))
    assert named.status_code == 200
    answer = complete(visitor, clerk.token("endUsersTest", victim), thief)
    assert (answer.status_code, answer.json()["code"]) == (409, "belongs_to_other_project")
    assert not enqueued(stack, victim)
    assert clerk.public_metadata("endUsersTest", victim)["publishableKey"] == tenant.publishable_key


def test_a_user_whose_project_was_deleted_may_join_another(
    stack: Stack, visitor: httpx.Client, tenant: Tenant, clerk: ClerkControls
) -> None:
    gone = make_tenant(stack)
    user = clerk.make_user("endUsersTest", publicMetadata={"publishableKey": gone.publishable_key})
    stack.d1("DELETE FROM projects WHERE publishableKey = ?1", gone.publishable_key)
    assert complete(visitor, clerk.token("endUsersTest", user), tenant).status_code == 200
    assert projects_of(stack, user) == [tenant.publishable_key]


def test_the_plan_is_what_d1_says(stack: Stack, visitor: httpx.Client, clerk: ClerkControls) -> None:
    tenant, store = (
        make_tenant(stack),
        make_tenant(stack, project_type="store", tiers=({"name": "mug", "price": 5, "limit": None},)),
    )
    user = clerk.make_user(
        "endUsersTest", publicMetadata={"publishableKey": tenant.publishable_key, "plan": "unlimited"}
    )
    token = clerk.token("endUsersTest", user)
    assert complete(visitor, token, tenant).json()["plan"] == "free"
    stack.d1("UPDATE end_users SET plan = 'pro' WHERE clerkUserId = ?1", user)
    assert complete(visitor, token, tenant).json()["plan"] == "pro"
    shopper = clerk.token("endUsersTest", clerk.make_user("endUsersTest"))
    assert complete(visitor, shopper, store).json()["plan"] is None


def test_an_invalid_token_is_refused(
    stack: Stack, visitor: httpx.Client, tenant: Tenant, live: Tenant, clerk: ClerkControls
) -> None:
    user, developer = clerk.make_user("endUsersTest"), clerk.make_user("developers")
    good = clerk.token("endUsersTest", user)
    bad = {
        "of the live instance": clerk.token("endUsersLive", clerk.make_user("endUsersLive")),
        "of a developer": clerk.token("developers", developer),
        "expired": clerk.token("endUsersTest", user, expiresIn=-60),
        "pending": clerk.token("endUsersTest", user, claims={"sts": "pending"}),
        "signed by another instance": clerk.token("endUsersTest", user, signedBy="endUsersLive"),
        "cut": good[:-4],
        "nested": "x." + base64.urlsafe_b64encode(b"[" * 30_000).decode() + ".x",
        "a secret key": tenant.secret_key,
        "empty": "x",
    }
    for name, token in bad.items():
        answer = complete(visitor, token, tenant)
        assert answer.status_code == 401, (name, answer.text)
        assert token not in answer.text
    assert complete(visitor, good, live).status_code == 401
    assert projects_of(stack, user) == []
    assert visitor.post("/oauth/complete", headers={"X-Publishable-Key": tenant.publishable_key}).status_code == 401
    assert visitor.post("/oauth/complete", headers={"Authorization": f"Bearer {good}"}).status_code == 401
    deleted = clerk.make_user("endUsersTest")
    late = clerk.token("endUsersTest", deleted)
    clerk.api("DELETE", "endUsersTest", f"/users/{deleted}")
    assert complete(visitor, late, tenant).status_code == 401
    assert visitor.get("/health").status_code == 200


def test_a_failing_clerk_loses_no_user(
    stack: Stack, visitor: httpx.Client, tenant: Tenant, clerk: ClerkControls
) -> None:
    user = clerk.make_user("endUsersTest")
    token = clerk.token("endUsersTest", user)
    clerk.control("/faults", path="/v1/users/*/metadata", method="PATCH", times=50, status=500)
    try:
        answer = complete(visitor, token, tenant)
        assert answer.status_code == 200, answer.text
        assert projects_of(stack, user) == [tenant.publishable_key]
        assert len(enqueued(stack, user)) == 1
    finally:
        clerk.clear("/faults")
    clerk.control("/faults", path=f"/v1/users/{user}", times=50, status=500)
    try:
        assert complete(visitor, token, tenant).status_code == 502
    finally:
        clerk.clear("/faults")


@pytest.mark.parametrize("step", ["complete:joined", "complete:owed"])
def test_a_completion_that_fails_at_any_step_is_finished_by_its_retry(
    stack: Stack, visitor: httpx.Client, tenant: Tenant, clerk: ClerkControls, step: str
) -> None:
    user = clerk.make_user("endUsersTest")
    token = clerk.token("endUsersTest", user)
    door = "/_devstack/checkpoints"
    visitor.post(door, json={"armed": {step: "fail"}}).raise_for_status()
    assert complete(visitor, token, tenant).status_code == 500
    visitor.post(door, json={"armed": {}}).raise_for_status()
    assert complete(visitor, token, tenant).status_code == 200
    assert not enqueued(stack, user)
    assert projects_of(stack, user) == [tenant.publishable_key]
    assert clerk.public_metadata("endUsersTest", user)["publishableKey"] == tenant.publishable_key


@pytest.mark.parametrize("step", ["complete:joined", "complete:owed"])
def test_a_completion_that_dies_at_any_step_is_finished_by_its_retry(
    stack: InProcessStack, visitor: httpx.Client, tenant: Tenant, clerk: ClerkControls, step: str
) -> None:
    user = clerk.make_user("endUsersTest")
    token = clerk.token("endUsersTest", user)
    die_at(stack, "sign-up", step, lambda: complete(visitor, token, tenant))
    assert complete(visitor, token, tenant).status_code == 200
    assert not enqueued(stack, user)
    assert projects_of(stack, user) == [tenant.publishable_key]
    assert clerk.public_metadata("endUsersTest", user)["publishableKey"] == tenant.publishable_key
