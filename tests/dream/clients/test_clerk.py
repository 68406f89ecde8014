"""What goes over the wire to Clerk's Backend API, and what becomes of its refusals and silences."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from dream.clients import clerk as clerk_client
from dream.clients.clerk import API_VERSION, MAXIMUM_RETRIES, Clerk, ClerkRefused
from dream.domain.clerk_objects import ClerkUser
from dream.errors import ApiError, Unavailable, VendorFailed
from dream.runtime.bindings import FetchResponse
from tests.support.fake_fetch import Answering, FakeFetch, json_answer, unreachable
from tests.support.world import World

Answer = TypeVar("Answer")

USER: dict[str, Any] = {
    "id": "user_1",
    "object": "user",
    "first_name": "Ada",
    "last_name": None,
    "primary_email_address_id": "idn_2",
    "email_addresses": [
        {"id": "idn_1", "email_address": "old@example.com", "verification": None},
        {"id": "idn_2", "email_address": "ada@example.com", "verification": {"status": "verified"}},
    ],
    "public_metadata": {"publishableKey": "pk_test_1"},
    "created_at": 1_767_225_600_000,
    "updated_at": 1_767_225_601_000,
}


def refusal(status: int, code: str = "something", **more: Any) -> Answering:
    error = {"code": code, "message": "sk_test_secret", "long_message": "A sentence for people.", **more}
    return lambda call: json_answer({"errors": [error], "clerk_trace_id": "trace"}, status)


@pytest.fixture
def world() -> World:
    settings = {
        "CLERK_END_USERS_TEST_SECRET_KEY": "sk_test_end_users",
        "CLERK_END_USERS_LIVE_SECRET_KEY": "sk_live_end_users",
        "CLERK_DEVELOPERS_SECRET_KEY": "sk_live_developers",
    }
    return World(FakeFetch(lambda call: json_answer(USER)), settings)


@pytest.fixture
def clerk(world: World) -> Clerk:
    return clerk_client.end_users(world.context, "test")


def run(call: Coroutine[Any, Any, Answer]) -> Answer:
    return asyncio.run(call)


def error_of(world: World, answering: Answering, call: Coroutine[Any, Any, Any]) -> ApiError:
    world.fetch.answering = answering
    with pytest.raises(ApiError) as raised:
        run(call)
    assert "sk_test" not in str(raised.value.to_json())
    return raised.value


def test_a_user_is_read(world: World, clerk: Clerk) -> None:
    assert run(clerk.get_user("user_1")) == ClerkUser(
        id="user_1",
        email="ada@example.com",
        email_verified=True,
        first_name="Ada",
        last_name=None,
        public_metadata={"publishableKey": "pk_test_1"},
        created_at="2026-01-01T00:00:00.000Z",
        updated_at="2026-01-01T00:00:01.000Z",
    )
    [call] = world.fetch.calls
    assert (call.method, call.url) == ("GET", "https://api.clerk.com/v1/users/user_1")
    assert call.headers["Authorization"] == "Bearer sk_test_end_users"
    assert call.headers["Clerk-API-Version"] == API_VERSION


def test_each_instance_is_called_with_its_own_key(world: World) -> None:
    for clerk in (clerk_client.end_users(world.context, "live"), clerk_client.developers(world.context)):
        run(clerk.get_user("user_1"))
    keys = [call.headers["Authorization"] for call in world.fetch.calls]
    assert keys == ["Bearer sk_live_end_users", "Bearer sk_live_developers"]


def test_an_id_from_outside_stays_one_segment_of_the_path(world: World, clerk: Clerk) -> None:
    run(clerk.get_user("../sessions?x=1#"))
    run(clerk.delete_user(".."))
    sent = [call.url.removeprefix("https://api.clerk.com/v1") for call in world.fetch.calls]
    assert sent == ["/users/_%2Fsessions%3Fx%3D1%23", "/users/_"]


def test_users_are_found_by_address(world: World, clerk: Clerk) -> None:
    world.fetch.answering = lambda call: json_answer([USER])
    [found] = run(clerk.list_users_by_email(["ada+x@example.com", "b@example.com"]))
    assert found.id == "user_1" and found.publishable_key == "pk_test_1"
    query = world.fetch.calls[0].url.partition("?")[2]
    assert query == "email_address=ada%2Bx%40example.com&email_address=b%40example.com&limit=2"


def test_a_user_is_created_with_or_without_a_password(world: World, clerk: Clerk) -> None:
    run(clerk.create_user("ada@example.com", first_name="Ada", password="correct horse", public_metadata={"a": 1}))
    run(clerk.create_user("bob@example.com"))
    sent = [json.loads(call.text) for call in world.fetch.calls]
    assert sent == [
        {
            "email_address": ["ada@example.com"],
            "public_metadata": {"a": 1},
            "first_name": "Ada",
            "password": "correct horse",
        },
        {"email_address": ["bob@example.com"], "public_metadata": {}, "skip_password_requirement": True},
    ]


def test_metadata_are_merged_and_a_null_removes(world: World, clerk: Clerk) -> None:
    run(clerk.merge_metadata("user_1", public={"plan": "pro", "old": None}))
    [call] = world.fetch.calls
    assert (call.method, call.url) == ("PATCH", "https://api.clerk.com/v1/users/user_1/metadata")
    assert json.loads(call.text) == {"public_metadata": {"plan": "pro", "old": None}}


def test_what_is_not_there_is_none(world: World, clerk: Clerk) -> None:
    world.fetch.answering = refusal(404, "resource_not_found")
    assert run(clerk.get_user("user_1")) is None
    assert run(clerk.update_user("user_1", first_name="A")) is None
    assert run(clerk.merge_metadata("user_1", public={})) is None
    assert run(clerk.delete_user("user_1")) is False


def test_a_taken_address_can_be_told_apart(world: World, clerk: Clerk) -> None:
    taken = refusal(422, "form_identifier_exists", meta={"param_name": "email_address"})
    refused = error_of(world, taken, clerk.create_user("ada@example.com"))
    assert isinstance(refused, ClerkRefused) and refused.is_taken
    assert (refused.param, refused.http_status, refused.status) == ("email_address", 422, 502)
    assert refused.explanation == "A sentence for people."


@pytest.mark.parametrize(
    "answering",
    [
        refusal(401, "authentication_invalid"),
        refusal(403),
        lambda call: FetchResponse(302, {"location": "https://elsewhere.example"}, b""),
        lambda call: FetchResponse(200, {}, b"<html>"),
        lambda call: FetchResponse(200, {}, b"\xff"),
        lambda call: json_answer({"object": "user"}),
        lambda call: json_answer([]),
        lambda call: FetchResponse(500, {}, b"oh no"),
    ],
)
@pytest.mark.usefixtures("waits")
def test_what_is_clerks_or_our_fault_is_a_502(world: World, clerk: Clerk, answering: Answering) -> None:
    failed = error_of(world, answering, clerk.get_user("user_1"))
    assert isinstance(failed, VendorFailed) and not isinstance(failed, ClerkRefused)


def test_a_refusal_of_another_shape_is_still_one(world: World, clerk: Clerk) -> None:
    for body in (b"", b"[]", b'{"errors": []}', b'{"errors": ["text"]}'):
        refused = error_of(world, lambda call, body=body: FetchResponse(422, {}, body), clerk.get_user("user_1"))
        assert isinstance(refused, ClerkRefused) and refused.clerk_code == "refused"


def test_an_instance_without_a_key_is_our_failure(world: World) -> None:
    with pytest.raises(Unavailable):
        run(clerk_client.end_users(World().context, "test").get_user("user_1"))


def test_what_may_be_repeated_is_repeated(world: World, clerk: Clerk, waits: list[float]) -> None:
    for call in (clerk.get_user("user_1"), clerk.merge_metadata("user_1", public={}), clerk.delete_user("user_1")):
        world.fetch.calls.clear()
        waits.clear()
        assert isinstance(error_of(world, unreachable, call), Unavailable)
        assert len(world.fetch.calls) == 1 + MAXIMUM_RETRIES
        assert waits == sorted(waits) and len(waits) == MAXIMUM_RETRIES


def test_what_creates_is_never_repeated_in_the_dark(world: World, clerk: Clerk, waits: list[float]) -> None:
    error_of(world, unreachable, clerk.create_user("ada@example.com"))
    error_of(world, refusal(500), clerk.create_user("ada@example.com"))
    assert len(world.fetch.calls) == 2 and not waits


def test_a_busy_clerk_says_how_long_to_wait(world: World, clerk: Clerk, waits: list[float]) -> None:
    def busy_once(call: object) -> FetchResponse:
        return json_answer({"errors": []}, 429, retry_after="2") if len(world.fetch.calls) == 1 else json_answer(USER)

    world.fetch.answering = busy_once
    run(clerk.create_user("ada@example.com"))
    assert waits == [2.0]


def test_nobody_waits_for_long(world: World, clerk: Clerk, waits: list[float]) -> None:
    busy = error_of(world, lambda call: json_answer({"errors": []}, 429, retry_after="60"), clerk.get_user("user_1"))
    assert isinstance(busy, Unavailable) and not waits


def test_a_passing_failure_goes_unnoticed(world: World, clerk: Clerk, waits: list[float]) -> None:
    world.fetch.answering = lambda call: refusal(503)(call) if len(world.fetch.calls) == 1 else json_answer(USER)
    assert run(clerk.get_user("user_1")) is not None
    assert len(waits) == 1
