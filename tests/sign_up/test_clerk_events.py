"""Clerk's events about end users: repeated, late, of the other mode, and about other projects' users."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.support.clerk_controls import ClerkControls, InstanceName
from tests.support.clerk_messages import message_of
from tests.support.outbox import enqueued
from tests.support.sign_up_flows import (
    complete,
    projects_of,
)
from tests.support.stack import Stack
from tests.support.stored_subscriptions import store_subscription
from tests.support.stripe_accounts import StripeControls, make_account
from tests.support.tenants import Tenant, make_tenant


def deliver(
    stack: Stack, instance: InstanceName, kind: str, data: Mapping[str, Any], message_id: str
) -> httpx.Response:
    """One delivery, signed as the instance signs."""
    return stack.http("sign-up").send(message_of(stack, "sign-up", instance, message_id, kind, data))


def person(user_id: str, key: str | None, email: str, updated: int, *, verified: bool = True) -> dict[str, Any]:
    verification = {"status": "verified" if verified else "unverified"}
    return {
        "id": user_id,
        "email_addresses": [{"id": "idn_1", "email_address": email, "verification": verification}],
        "primary_email_address_id": "idn_1",
        "first_name": "Grace",
        "last_name": "Hopper",
        "public_metadata": {} if key is None else {"publishableKey": key},
        "created_at": 1_790_000_000_000,
        "updated_at": updated,
    }


def make_member(
    stack: Stack, tenant: Tenant, clerk: ClerkControls, visitor: httpx.Client, instance: InstanceName
) -> str:
    user = clerk.make_user(instance)
    assert complete(visitor, clerk.token(instance, user), tenant).status_code == 200
    assert not enqueued(stack, user)
    return user


def profile(stack: Stack, user_id: str) -> tuple[str, str]:
    (row,) = stack.d1("SELECT email, firstName FROM end_users WHERE clerkUserId = ?1", user_id)
    return row["email"], row["firstName"]


FUTURE = 1_900_000_000_000


def test_the_newest_profile_is_kept_if_others_come_late_or_again(
    stack: Stack, visitor: httpx.Client, tenant: Tenant, clerk: ClerkControls
) -> None:
    user, key = make_member(stack, tenant, clerk, visitor, "endUsersTest"), tenant.publishable_key
    newer, older = person(user, key, "new@example.com", FUTURE + 2), person(user, key, "old@example.com", FUTURE + 1)
    newest_id = f"msg_{time.time_ns()}"
    answers = [deliver(stack, "endUsersTest", "user.updated", newer, newest_id) for _ in range(3)]
    assert [each.json()["duplicate"] for each in answers] == [False, True, True]
    assert deliver(stack, "endUsersTest", "user.updated", older, f"{newest_id}_old").status_code == 200
    assert profile(stack, user) == ("new@example.com", "Grace")
    unproven = person(user, key, "unproven@example.com", FUTURE + 3, verified=False)
    assert deliver(stack, "endUsersTest", "user.updated", unproven, f"{newest_id}_u").status_code == 200
    assert profile(stack, user)[0] == "new@example.com"


def test_a_changed_name_at_clerk_reaches_d1(
    stack: Stack, visitor: httpx.Client, tenant: Tenant, clerk: ClerkControls
) -> None:
    user = make_member(stack, tenant, clerk, visitor, "endUsersTest")
    clerk.api("PATCH", "endUsersTest", f"/users/{user}", {"first_name": "Katherine"})
    assert profile(stack, user)[1] == "Katherine"


def test_an_instance_changes_users_of_its_own_mode_only(
    stack: Stack, visitor: httpx.Client, tenant: Tenant, live: Tenant, clerk: ClerkControls
) -> None:
    instances: list[tuple[Tenant, InstanceName, InstanceName]] = [
        (tenant, "endUsersTest", "endUsersLive"),
        (live, "endUsersLive", "endUsersTest"),
    ]
    for project, own, other in instances:
        user = make_member(stack, project, clerk, visitor, own)
        before = profile(stack, user)
        foreign = person(user, project.publishable_key, "thief@example.com", FUTURE)
        message = f"msg_{time.time_ns()}"
        assert deliver(stack, other, "user.updated", foreign, message).status_code == 200
        assert deliver(stack, other, "user.deleted", {"id": user, "deleted": True}, f"{message}_d").status_code == 200
        assert profile(stack, user) == before
        assert stack.d1("SELECT outcome FROM events WHERE eventId = ?1", message)[0]["outcome"] == "rejected"
        assert stack.d1("SELECT livemode FROM events WHERE eventId = ?1", message)[0]["livemode"] == int(
            other == "endUsersLive"
        )


def test_a_profile_reaches_the_users_own_project_only(
    stack: Stack, visitor: httpx.Client, tenant: Tenant, clerk: ClerkControls
) -> None:
    user = make_member(stack, tenant, clerk, visitor, "endUsersTest")
    thief = make_tenant(stack)
    stack.http("api-multi").post("/api/data", headers=thief.headers(user)).raise_for_status()
    own = person(user, tenant.publishable_key, "private@example.com", FUTURE)
    assert deliver(stack, "endUsersTest", "user.updated", own, f"msg_{time.time_ns()}").status_code == 200
    rows = stack.d1("SELECT publishableKey, email FROM end_users WHERE clerkUserId = ?1", user)
    assert {row["publishableKey"]: row["email"] for row in rows} == {
        tenant.publishable_key: "private@example.com",
        thief.publishable_key: None,
    }


def test_a_deleted_user_is_removed_once_and_their_subscription_is_canceled(
    stack: Stack, visitor: httpx.Client, stripe: StripeControls, clerk: ClerkControls
) -> None:
    tenant = make_tenant(stack)
    make_account(stack, stripe, tenant.platform_id)
    user = make_member(stack, tenant, clerk, visitor, "endUsersTest")
    stack.http("api-multi").post("/api/data", headers=tenant.headers(user)).raise_for_status()
    subscription = store_subscription(stack, tenant.publishable_key, user)
    message = f"msg_{time.time_ns()}"
    gone = {"id": user, "deleted": True, "object": "user"}
    answers = [deliver(stack, "endUsersTest", "user.deleted", gone, message) for _ in range(3)]
    assert [(each.status_code, each.json()["duplicate"]) for each in answers] == [
        (200, False),
        (200, True),
        (200, True),
    ]
    assert deliver(stack, "endUsersTest", "user.deleted", gone, f"{message}_again").status_code == 200
    for table, column in (("end_users", "clerkUserId"), ("subscriptions", "userId"), ("usage_counts", "userId")):
        assert stack.d1(f"SELECT count(*) AS n FROM {table} WHERE {column} = ?1", user)[0]["n"] == 0
    assert stack.d1("SELECT kind FROM outbox WHERE subject = ?1", subscription) == [{"kind": "cancel_subscription"}]
    late = person(user, tenant.publishable_key, "ghost@example.com", FUTURE)
    assert deliver(stack, "endUsersTest", "user.updated", late, f"{message}_late").status_code == 200
    assert projects_of(stack, user) == []


@pytest.mark.parametrize(("key", "outcome"), [(None, "ignored"), ("pk_test_x", "rejected"), ("<b>", "rejected")])
def test_an_updated_user_of_no_project_changes_nothing(stack: Stack, key: str | None, outcome: str) -> None:
    message = f"msg_{time.time_ns()}"
    data = person("user_elsewhere", key, "elsewhere@example.com", FUTURE)
    assert deliver(stack, "endUsersTest", "user.updated", data, message).status_code == 200
    assert stack.d1("SELECT outcome FROM events WHERE eventId = ?1", message) == [{"outcome": outcome}]
    assert stack.d1("SELECT * FROM end_users") == []
