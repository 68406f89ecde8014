"""End users who join projects at the same time, on the real D1. The same races run in process in tests/sign_up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from devstack.stack.stack import Stack
from tests.support.clerk_controls import ClerkControls
from tests.support.outbox import settled
from tests.support.sign_up_flows import completion_of, projects_of
from tests.support.tenants import make_tenant


@pytest.fixture
def clerk(stack: Stack) -> Iterator[ClerkControls]:
    controls = ClerkControls(stack)
    yield controls
    controls.close()


def test_completions_at_once_are_one_completion(stack: Stack, clerk: ClerkControls) -> None:
    tenant, user = make_tenant(stack), clerk.make_user("endUsersTest")
    token = clerk.token("endUsersTest", user)
    answers = stack.at_once([completion_of(stack.http("sign-up"), token, tenant) for _ in range(16)])
    assert {answer.status_code for answer in answers} == {200}
    assert projects_of(stack, user) == [tenant.publishable_key]
    settled(stack, user)
    assert clerk.public_metadata("endUsersTest", user)["publishableKey"] == tenant.publishable_key


def test_of_two_projects_one_gets_the_user(stack: Stack, clerk: ClerkControls) -> None:
    tenants = [make_tenant(stack), make_tenant(stack)] * 4
    user = clerk.make_user("endUsersTest")
    token = clerk.token("endUsersTest", user)
    answers = stack.at_once([completion_of(stack.http("sign-up"), token, tenant) for tenant in tenants])
    (home,) = projects_of(stack, user)
    for tenant, answer in zip(tenants, answers, strict=True):
        expected = (200, None) if tenant.publishable_key == home else (409, "belongs_to_other_project")
        assert (answer.status_code, answer.json().get("code")) == expected
    settled(stack, user)
    assert clerk.public_metadata("endUsersTest", user)["publishableKey"] == home
