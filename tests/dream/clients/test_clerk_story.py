"""Every call of our Clerk client, made to the stand-in, which answers as the pinned version of the Backend API does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from dream.auth.clerk_tokens import verified_claims
from dream.clients import clerk as clerk_client
from dream.clients.clerk import Clerk, ClerkRefused
from tests.devstack.clerk.conftest import StandInProcess
from tests.dream.clients.conftest import HttpFetch
from tests.support.world import World

Answer = TypeVar("Answer")


def run(call: Coroutine[Any, Any, Answer]) -> Answer:
    return asyncio.run(call)


def address() -> str:
    return f"person-{time.time_ns()}@example.com"


@pytest.fixture
def world(clerk_stand_in: StandInProcess) -> World:
    settings = {
        "CLERK_API_BASE": f"{clerk_stand_in.url}/v1",
        "CLERK_END_USERS_TEST_SECRET_KEY": clerk_stand_in.secret_key("endUsersTest"),
        "CLERK_END_USERS_TEST_ISSUER": clerk_stand_in.issuer("endUsersTest"),
        "CLERK_DEVELOPERS_SECRET_KEY": clerk_stand_in.secret_key("developers"),
    }
    return World(HttpFetch(), settings)


@pytest.fixture
def clerk(world: World) -> Clerk:
    return clerk_client.end_users(world.context, "test")


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


def test_instances_do_not_see_each_other(world: World, clerk: Clerk) -> None:
    user_id = run(clerk.create_user(address())).id
    assert run(clerk_client.developers(world.context).get_user(user_id)) is None


def test_sessions_and_tokens(world: World, clerk: Clerk, clerk_stand_in: StandInProcess) -> None:
    user_id = run(clerk.create_user(address(), public_metadata={"publishableKey": "pk_test_1"})).id
    session_id = clerk_stand_in.control("POST", "tokens", instance="endUsersTest", userId=user_id)["sessionId"]
    session = run(clerk.get_session(session_id))
    assert session is not None and (session.user_id, session.status) == (user_id, "active")
    for template in (None, "end-user-api"):
        token = run(clerk.create_session_token(session_id, template))
        assert token is not None
        claims = run(verified_claims(world.context, world.context.settings.end_users("test"), token))
        assert (claims.user_id, claims.publishable_key) == (user_id, "pk_test_1")
    ticket = run(clerk.create_sign_in_token(user_id, expires_in_seconds=60))
    assert ticket.token
    revoked = run(clerk.revoke_session(session_id))
    assert revoked is not None and revoked.status == "revoked"


def test_a_busy_clerk_is_waited_for(clerk: Clerk, clerk_stand_in: StandInProcess) -> None:
    user_id = run(clerk.create_user(address())).id
    clerk_stand_in.control("POST", "faults", path=f"/v1/users/{user_id}", status=429, retryAfter=1, times=1)
    assert run(clerk.get_user(user_id)) is not None
