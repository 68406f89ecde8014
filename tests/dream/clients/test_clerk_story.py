"""Every call of our Clerk client, made to the stand-in, which answers as the pinned version of the Backend API does."""

from __future__ import annotations

import time
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import pytest

from dream.clients import clerk as clerk_client
from dream.clients.clerk import Clerk, ClerkRefused
from dream.runtime.context import Context
from tests.support.clerk_controls import ClerkControls
from tests.support.in_process.event_loop import event_loop
from tests.support.in_process.stack import InProcessStack

Answer = TypeVar("Answer")


def run(call: Coroutine[Any, Any, Answer]) -> Answer:
    return event_loop().run(call)


def address() -> str:
    return f"person-{time.time_ns()}@example.com"


@pytest.fixture
def context(vendors: InProcessStack) -> Context:
    return vendors.context("sign-up")


@pytest.fixture
def controls(vendors: InProcessStack) -> Iterator[ClerkControls]:
    made = ClerkControls(vendors)
    yield made
    made.close()


@pytest.fixture
def clerk(context: Context) -> Clerk:
    return clerk_client.end_users(context, "test")


def test_a_user_from_creation_to_deletion(clerk: Clerk) -> None:
    email = address()
    made = run(
        clerk.create_user(
            email,
            first_name="Ada",
            last_name="L",
            password="correct horse battery",
            public_metadata={"publishableKey": "pk_test_1", "old": 1},
        )
    )
    assert (made.email, made.first_name, made.publishable_key) == (email, "Ada", "pk_test_1")
    assert run(clerk.get_user(made.id)) == made
    assert run(clerk.list_users_by_email([email, address()])) == [made]
    renamed = run(clerk.update_user(made.id, last_name="Lovelace"))
    assert renamed is not None and (renamed.first_name, renamed.last_name) == ("Ada", "Lovelace")
    merged = run(clerk.merge_metadata(made.id, public={"plan": "pro", "old": None}))
    assert merged is not None and merged.public_metadata == {"publishableKey": "pk_test_1", "plan": "pro"}
    assert run(clerk.delete_user(made.id))
    assert not run(clerk.delete_user(made.id))
    assert run(clerk.get_user(made.id)) is None


def test_a_taken_address_and_a_weak_password_are_told_apart(clerk: Clerk) -> None:
    email = address()
    run(clerk.create_user(email))
    with pytest.raises(ClerkRefused) as taken:
        run(clerk.create_user(email))
    assert taken.value.is_taken
    with pytest.raises(ClerkRefused) as weak:
        run(clerk.create_user(address(), password="12345678"))
    assert not weak.value.is_taken and weak.value.param == "password" and weak.value.explanation


def test_instances_do_not_see_each_other(context: Context, clerk: Clerk) -> None:
    user_id = run(clerk.create_user(address())).id
    assert run(clerk_client.developers(context).get_user(user_id)) is None


def test_a_busy_clerk_is_waited_for(clerk: Clerk, controls: ClerkControls) -> None:
    user_id = run(clerk.create_user(address())).id
    controls.control("/faults", path=f"/v1/users/{user_id}", status=429, retryAfter=1, times=1)
    assert run(clerk.get_user(user_id)) is not None
