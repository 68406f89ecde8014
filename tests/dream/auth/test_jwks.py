"""A key set is fetched as rarely as possible and belongs to one instance. If it cannot be fetched, the caller is not blamed."""

from __future__ import annotations

import asyncio

import pytest

from dream.auth.jwks import COOL_DOWN_SECONDS, FAILURE_COOL_DOWN_SECONDS, TTL_SECONDS, KeySets
from dream.crypto.rs256 import RsaPublicKey
from dream.errors import Unauthorized, Unavailable
from dream.runtime.bindings import FetchResponse
from tests.dream.auth.conftest import Clerk, Clock
from tests.support.clerk_instance import Instance
from tests.support.fake_fetch import json_answer
from tests.support.world import World


@pytest.fixture
def key_sets(clock: Clock) -> KeySets:
    return KeySets(clock)


def key(key_sets: KeySets, world: World, kid: str | None = "ins_key", name: str = "DEVELOPERS") -> RsaPublicKey:
    instance = world.context.settings.clerk("DEVELOPERS" if name == "DEVELOPERS" else "END_USERS_TEST")
    return asyncio.run(key_sets.key(world.context, instance, kid))


def test_a_set_is_fetched_once_while_it_lives(key_sets: KeySets, world: World, clock: Clock, clerk: Clerk) -> None:
    for _ in range(3):
        assert key(key_sets, world) == RsaPublicKey.from_jwk(clerk.developers.jwk())
    assert len(world.fetch.calls) == 1
    clock.now += TTL_SECONDS
    key(key_sets, world)
    assert len(world.fetch.calls) == 2


def test_an_unknown_kid_causes_one_fetch_per_cool_down(key_sets: KeySets, world: World, clock: Clock) -> None:
    key(key_sets, world)
    clock.now += COOL_DOWN_SECONDS
    for attempt in range(20):
        with pytest.raises(Unauthorized):
            key(key_sets, world, f"attack_{attempt}")
    assert len(world.fetch.calls) == 2
    clock.now += COOL_DOWN_SECONDS
    with pytest.raises(Unauthorized):
        key(key_sets, world, "attack")
    assert len(world.fetch.calls) == 3


def test_a_new_key_is_found_once_the_cool_down_is_over(
    key_sets: KeySets, world: World, clock: Clock, clerk: Clerk
) -> None:
    key(key_sets, world)
    both = [clerk.developers.jwk(), clerk.developers.jwk(kid="rotated")]
    clerk.keys[clerk.developers.jwks_url] = lambda: json_answer({"keys": both})
    clock.now += COOL_DOWN_SECONDS
    key(key_sets, world, "rotated")
    assert len(world.fetch.calls) == 2


def test_a_withdrawn_key_is_refused_once_its_set_expires(
    key_sets: KeySets, world: World, clock: Clock, clerk: Clerk
) -> None:
    key(key_sets, world)
    clerk.keys[clerk.developers.jwks_url] = lambda: json_answer({"keys": [clerk.developers.jwk(kid="rotated")]})
    clock.now += TTL_SECONDS
    with pytest.raises(Unauthorized):
        key(key_sets, world)


def test_two_instances_with_the_same_kid_keep_their_own_keys(key_sets: KeySets, world: World, clerk: Clerk) -> None:
    assert clerk.developers.kid == clerk.end_users_test.kid
    assert key(key_sets, world) != key(key_sets, world, name="END_USERS_TEST")


@pytest.mark.parametrize(
    "answer",
    [
        json_answer({"error": "gone"}, 500),
        json_answer({}, 302, location="https://elsewhere.example"),
        json_answer({"keys": None}),
        json_answer([]),
        json_answer({"keys": ["text"]}),
        FetchResponse(200, {}, b"<html>"),
        FetchResponse(200, {}, b"[" * 100_000),
    ],
)
def test_a_set_that_cannot_be_read_is_unavailable(
    key_sets: KeySets, world: World, clerk: Clerk, answer: FetchResponse
) -> None:
    clerk.keys[clerk.developers.jwks_url] = lambda: answer
    with pytest.raises(Unavailable):
        key(key_sets, world)


def test_a_failing_instance_is_fetched_again_after_a_short_time(
    key_sets: KeySets, world: World, clock: Clock, clerk: Clerk
) -> None:
    clerk.is_down = True
    for _ in range(5):
        with pytest.raises(Unavailable):
            key(key_sets, world)
    assert len(world.fetch.calls) == 1
    clerk.is_down = False
    clock.now += FAILURE_COOL_DOWN_SECONDS
    key(key_sets, world)


def test_a_known_key_survives_a_failed_refetch(key_sets: KeySets, world: World, clock: Clock, clerk: Clerk) -> None:
    key(key_sets, world)
    clerk.is_down = True
    clock.now += COOL_DOWN_SECONDS
    with pytest.raises(Unavailable):
        key(key_sets, world, "unknown")
    key(key_sets, world)


def test_keys_for_other_algorithms_are_left_out(key_sets: KeySets, world: World, clerk: Clerk) -> None:
    mixed = [
        clerk.developers.jwk(kid="other", alg="PS256"),
        {"kty": "oct", "kid": "secret", "k": "AA"},
        clerk.developers.jwk(),
    ]
    clerk.keys[clerk.developers.jwks_url] = lambda: json_answer({"keys": mixed})
    key(key_sets, world)
    for kid in ("other", "secret"):
        with pytest.raises(Unauthorized):
            key(key_sets, world, kid)


def test_a_token_without_a_kid_causes_no_fetch(key_sets: KeySets, world: World) -> None:
    with pytest.raises(Unauthorized):
        key(key_sets, world, None)
    assert not world.fetch.calls


def test_a_configured_pem_needs_no_network(key_sets: KeySets, clock: Clock) -> None:
    instance = Instance("developers")
    world = World(settings={"CLERK_DEVELOPERS_ISSUER": instance.issuer, "CLERK_DEVELOPERS_JWT_KEY": instance.pem})
    assert key(key_sets, world, None) == RsaPublicKey.from_jwk(instance.jwk())
    assert not world.fetch.calls


def test_a_malformed_pem_is_our_failure(key_sets: KeySets, clock: Clock) -> None:
    world = World(settings={"CLERK_DEVELOPERS_ISSUER": "https://x", "CLERK_DEVELOPERS_JWT_KEY": "nonsense"})
    with pytest.raises(Unavailable):
        key(key_sets, world)


def test_an_instance_that_is_not_configured_is_our_failure(key_sets: KeySets, clock: Clock) -> None:
    with pytest.raises(Unavailable):
        key(key_sets, World())
