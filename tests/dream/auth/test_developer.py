"""Only a token of the developers' Clerk instance proves a developer. Nothing else opens the dashboard."""

from __future__ import annotations

import asyncio

import pytest

from dream.auth.developer import developer
from dream.auth.principal import Developer
from dream.errors import ApiError, Forbidden, Unauthorized
from tests.dream.auth.conftest import Clerk
from tests.support.fake_requests import request_with
from tests.support.world import World


def settle(world: World, **headers: str) -> Developer:
    return asyncio.run(developer(world.context, request_with(**headers)))


def test_a_developers_token_proves_a_developer(world: World, clerk: Clerk) -> None:
    found = settle(world, authorization=f"Bearer {clerk.developers.token(email='ada@example.com')}")
    assert found == Developer("user_1", "ada@example.com", "sess_1")
    assert found.rate_key == found.idempotency_scope == "developer:user_1"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dXNlcg==", "Bearer sk_test_x", "Bearer pk_live_x"])
def test_anything_but_a_token_is_refused(world: World, header: str) -> None:
    with pytest.raises(Unauthorized):
        settle(world, **({"authorization": header} if header else {}))
    assert not world.fetch.calls


def test_an_end_users_token_is_refused(world: World, clerk: Clerk) -> None:
    for instance in (clerk.end_users_test, clerk.end_users_live):
        with pytest.raises(Unauthorized):
            settle(world, authorization=f"Bearer {instance.token()}")


def test_a_token_elsewhere_than_in_authorization_is_not_looked_at(world: World, clerk: Clerk) -> None:
    with pytest.raises(Unauthorized):
        settle(world, x_clerk_token=clerk.developers.token())


def test_an_impersonated_session_is_forbidden(world: World, clerk: Clerk) -> None:
    with pytest.raises(Forbidden) as refusal:
        settle(world, authorization=f"Bearer {clerk.developers.token(act={'sub': 'user_support'})}")
    assert refusal.value.code == "impersonated_session"


def test_a_refusal_names_its_scheme(world: World) -> None:
    with pytest.raises(ApiError) as refusal:
        settle(world)
    assert refusal.value.headers["WWW-Authenticate"] == "Bearer"
