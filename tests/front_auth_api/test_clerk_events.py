"""Clerk's events about developers: in any order, repeated, late, and half handled."""

from __future__ import annotations

import os
import random

import pytest

from dream.domain import keys
from tests.support.developers import Developer
from tests.support.in_process.stack import InProcessStack
from tests.support.killing import die_at
from tests.support.platform_events import PlatformEvents, user_data
from tests.support.platform_subscriptions import checkout, platform
from tests.support.stack import Stack
from tests.support.stripe_accounts import StripeControls
from tests.support.tenants import Tenant, make_tenant

WORKER = "front-auth-api"
STEPS = ("claimed", "decided", "committed")


def test_the_newest_state_of_a_developer_is_kept_in_any_order_of_events(stack: Stack, events: PlatformEvents) -> None:
    user_id = f"user_{keys.make_id('order', random.Random(3).randbytes)}"
    messages = [
        ("user.created", user_data(user_id, "first@example.com", 1_000)),
        ("user.updated", user_data(user_id, "second@example.com", 2_000)),
        ("user.updated", user_data(user_id, "third@example.com", 3_000)),
    ]
    deliveries = [(f"msg_{user_id}_{index}", *message) for index, message in enumerate(messages)] * 3
    random.Random(5).shuffle(deliveries)
    answers = stack.at_once([events.message_of(*delivery) for delivery in deliveries])
    assert {answer.status_code for answer in answers} == {200}
    (row,) = stack.d1("SELECT platformId, email FROM platforms WHERE clerkUserId = ?1", user_id)
    assert row["email"] == "third@example.com"
    assert row["platformId"].startswith("plt_")


def test_a_deleted_developer_leaves_nothing_and_a_late_event_restores_nothing(
    stack: Stack, stripe: StripeControls, events: PlatformEvents, newcomer: Developer
) -> None:
    subscription_id = stripe.pay(checkout(newcomer)["sessionId"])["subscription"]
    stripe.drained()
    row = platform(stack, newcomer)
    tenant = make_tenant(stack, platform=(row["platformId"], newcomer.user_id))
    usable = {"Authorization": f"Bearer {tenant.secret_key}", "X-User-Id": "user_1"}
    assert stack.http("api-multi").post("/api/data", headers=usable, json={}).status_code == 200

    gone = {"id": newcomer.user_id, "deleted": True, "object": "user"}
    for _ in range(2):
        assert events.deliver_message(f"msg_gone_{newcomer.user_id}", "user.deleted", gone).status_code == 200
    late = user_data(newcomer.user_id, "back@example.com", 9_000_000_000_000)
    assert events.deliver_message(f"msg_late_{newcomer.user_id}", "user.created", late).status_code == 200
    stack.run_scheduled(WORKER)
    stripe.drained()

    after = platform(stack, newcomer)
    assert (after["platformId"], after["email"], after["deletedAt"] is None) == (row["platformId"], None, False)
    assert stack.d1("SELECT 1 FROM projects WHERE platformId = ?1", row["platformId"]) == []
    assert stack.http("api-multi").post("/api/data", headers=usable, json={}).status_code == 401
    assert stripe.api("GET", f"subscriptions/{subscription_id}", None)["status"] == "canceled"
    for method, path in (("GET", "/subscription"), ("POST", "/verify-auth"), ("POST", "/generate-platform-id")):
        assert newcomer.front_auth(method, path, None if method == "GET" else {}).status_code == 401


@pytest.mark.parametrize("step", STEPS)
def test_a_user_created_event_that_dies_at_any_step_makes_one_platform(
    stack: InProcessStack, events: PlatformEvents, step: str
) -> None:
    user_id = keys.make_id("user", os.urandom)
    data = user_data(user_id, f"{user_id}@example.com", 1_000)
    die_at(
        stack, WORKER, f"user.created:{step}", lambda: events.deliver_message(f"msg_{user_id}", "user.created", data)
    )
    assert events.deliver_message(f"msg_{user_id}", "user.created", data).status_code == 200
    (row,) = stack.d1("SELECT email FROM platforms WHERE clerkUserId = ?1", user_id)
    assert row["email"] == f"{user_id}@example.com"


@pytest.mark.parametrize("step", STEPS)
def test_a_user_deleted_event_that_dies_at_any_step_is_finished_by_its_retry(
    stack: InProcessStack, events: PlatformEvents, developer: Developer, project: Tenant, step: str
) -> None:
    data = {"id": developer.user_id, "deleted": True, "object": "user"}
    message = f"msg_killed_{developer.user_id}"
    die_at(stack, WORKER, f"user.deleted:{step}", lambda: events.deliver_message(message, "user.deleted", data))
    assert events.deliver_message(message, "user.deleted", data).status_code == 200
    assert platform(stack, developer)["deletedAt"] is not None
    assert stack.d1("SELECT 1 FROM projects WHERE platformId = ?1", developer.platform_id) == []
