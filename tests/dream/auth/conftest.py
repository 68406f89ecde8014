"""Three Clerk instances behind a network that serves their key sets, and an isolate that has forgotten everything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from dream.auth import clerk_tokens, membership, project_keys
from dream.auth.jwks import KeySets
from dream.runtime.bindings import FetchResponse, VendorUnreachable
from tests.support.clerk_instance import Instance
from tests.support.fake_fetch import Call, FakeFetch, json_answer
from tests.support.world import World

DASHBOARD = "https://app.example"


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Clerk:
    """The three instances, and what their key sets answer. All of them call their key by the same id."""

    def __init__(self) -> None:
        self.developers = Instance("developers")
        self.end_users_test = Instance("end-users-test")
        self.end_users_live = Instance("end-users-live")
        self.is_down = False
        self.keys: dict[str, Callable[[], FetchResponse]] = {
            instance.jwks_url: lambda instance=instance: json_answer({"keys": [instance.jwk()]})
            for instance in (self.developers, self.end_users_test, self.end_users_live)
        }

    def answer(self, call: Call) -> FetchResponse:
        if self.is_down:
            raise VendorUnreachable("connection refused")
        return self.keys[call.url]()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the key sets of an isolate that has just begun."""
    clock = Clock()
    monkeypatch.setattr(clerk_tokens, "_key_sets", KeySets(clock))
    for module, cache in ((clerk_tokens, "_verified"), (membership, "_members"), (project_keys, "_isolate_records")):
        getattr(module, cache).clear()
    return clock


@pytest.fixture
def clerk() -> Clerk:
    return Clerk()


@pytest.fixture
def world(clock: Clock, clerk: Clerk) -> World:
    return World(
        FakeFetch(clerk.answer),
        {
            "CLERK_DEVELOPERS_ISSUER": clerk.developers.issuer,
            "CLERK_DEVELOPERS_AUTHORIZED_PARTIES": DASHBOARD,
            "CLERK_END_USERS_TEST_ISSUER": clerk.end_users_test.issuer,
            "CLERK_END_USERS_LIVE_ISSUER": clerk.end_users_live.issuer,
        },
    )
