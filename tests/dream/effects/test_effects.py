"""Effects are plain sets: what is so already is done, what fails is tried again, and nobody else's is touched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from dream.errors import ApiError
from dream.runtime.bindings import FetchResponse
from dream.services.outbox import effects
from tests.support.fake_fetch import Call, FakeFetch, json_answer
from tests.support.world import World

SETTINGS = {
    "STRIPE_SECRET_KEY_TEST": "sk_test_x",
    "STRIPE_API_BASE": "http://stripe",
    "CLERK_API_BASE": "http://clerk/v1",
    "CLERK_END_USERS_TEST_SECRET_KEY": "sk_test_y",
}
ON_ACCOUNT = {"mode": "test", "account": "acct_1"}
STRIPE_EFFECTS = [
    ("archive_product", {"productId": "prod_1"}),
    ("archive_price", {"priceId": "price_1"}),
    ("cancel_subscription", {"subscriptionId": "sub_1"}),
    ("expire_session", {"sessionId": "cs_1"}),
    ("end_second_subscription", {"subscriptionId": "sub_1"}),
]
USER = {"instance": "END_USERS_TEST", "userId": "user_1"}


def carry_out(kind: str, payload: dict[str, Any], answering: Callable[[Call], FetchResponse]) -> list[str]:
    """The calls that the effect made."""
    world = World(FakeFetch(answering), SETTINGS)

    async def run() -> None:
        await effects.ALL[kind](world.context, payload)

    asyncio.run(run())
    return [f"{call.method} {call.url.partition('://')[2].partition('/')[2]}" for call in world.fetch.calls]


def stripe_error(status: int, code: str) -> FetchResponse:
    return json_answer({"error": {"type": "invalid_request_error", "code": code, "message": "no"}}, status)


@pytest.mark.parametrize(("kind", "about"), STRIPE_EFFECTS)
@pytest.mark.parametrize(("status", "code"), [(404, "resource_missing"), (403, "account_invalid")])
def test_what_is_gone_at_stripe_is_done(kind: str, about: dict[str, str], status: int, code: str) -> None:
    assert len(carry_out(kind, {**ON_ACCOUNT, **about}, lambda call: stripe_error(status, code))) == 1


@pytest.mark.parametrize(("kind", "about"), STRIPE_EFFECTS)
def test_a_stripe_that_refuses_the_key_leaves_the_effect_owed(kind: str, about: dict[str, str]) -> None:
    with pytest.raises(ApiError):
        carry_out(kind, {**ON_ACCOUNT, **about}, lambda call: stripe_error(401, "api_key_expired"))


def test_a_session_that_is_closed_already_is_done() -> None:
    closed = stripe_error(400, "checkout_session_not_open")
    assert len(carry_out("expire_session", {**ON_ACCOUNT, "sessionId": "cs_1"}, lambda call: closed)) == 1


def user_of(project: str | None) -> Callable[[Call], FetchResponse]:
    user = {
        "id": "user_1",
        "email_addresses": [],
        "primary_email_address_id": None,
        "first_name": None,
        "last_name": None,
        "public_metadata": {} if project is None else {"publishableKey": project},
        "created_at": 0,
        "updated_at": 0,
    }
    return lambda call: json_answer(user)


@pytest.mark.parametrize(("project", "calls"), [(None, 2), ("pk_mine", 2), ("pk_other", 1)])
def test_metadata_never_move_a_user_from_another_project(project: str | None, calls: int) -> None:
    payload = {**USER, "publicMetadata": {"publishableKey": "pk_mine", "plan": "pro"}}
    assert len(carry_out("set_public_metadata", payload, user_of(project))) == calls


@pytest.mark.parametrize("kind", ["set_public_metadata", "delete_user"])
@pytest.mark.parametrize(("project", "calls"), [(None, 1), ("pk_mine", 2), ("pk_other", 1)])
def test_what_is_meant_for_ones_own_users_touches_no_others(kind: str, project: str | None, calls: int) -> None:
    payload = {**USER, "onlyOf": "pk_mine", "publicMetadata": {"publishableKey": None, "plan": None}}
    assert len(carry_out(kind, payload, user_of(project))) == calls


@pytest.mark.parametrize("kind", ["set_public_metadata", "delete_user"])
def test_a_clerk_user_who_is_gone_is_done(kind: str) -> None:
    payload = {**USER, "publicMetadata": {"plan": "pro"}}
    assert len(carry_out(kind, payload, lambda call: json_answer({"errors": []}, 404))) == 1
