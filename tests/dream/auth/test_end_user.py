"""An end user belongs to one project, test never touches live, and no header lets anybody into another project."""

from __future__ import annotations

import asyncio
import json
import os

import pytest

from dream.auth.clerk_tokens import MAXIMUM_AGE_SECONDS
from dream.auth.end_user import counted_end_user, end_user
from dream.auth.membership import forget_membership, join_later
from dream.auth.principal import EndUserCaller
from dream.db import end_users
from dream.domain.keys import Mode, hash_secret, make_key
from dream.domain.timestamps import iso
from dream.errors import ApiError, BadRequest, Unauthorized, Unavailable
from dream.services.end_users.removal import removal_statements
from tests.dream.auth.conftest import Clerk
from tests.support.fake_requests import request_with
from tests.support.world import World

NOW = "2026-01-01T00:00:00.000Z"


class Tenant:
    """A project with one secret key, in the world's database."""

    def __init__(self, world: World, mode: Mode = "test") -> None:
        self.publishable_key = make_key("pk", mode, os.urandom)
        self.secret_key = make_key("sk", mode, os.urandom)
        platform_id = f"plt_{self.publishable_key}"
        insert = world.db.connection.execute
        insert(
            "INSERT INTO platforms (platformId, clerkUserId, liveKeysUntil, createdAt, updatedAt) VALUES (?, ?, ?, ?, ?)",
            (platform_id, f"user_{platform_id}", "9999-12-31T00:00:00.000Z", NOW, NOW),
        )
        insert(
            "INSERT INTO projects (publishableKey, platformId, name, projectType, mode, createdAt, updatedAt)"
            " VALUES (?, ?, 'A project', 'saas', ?, ?, ?)",
            (self.publishable_key, platform_id, mode, NOW, NOW),
        )
        insert(
            "INSERT INTO api_keys (secretKeyHash, publishableKey, secretKeyEncrypted, secretKeyMasked, createdAt)"
            " VALUES (?, ?, '', '', ?)",
            (hash_secret(self.secret_key), self.publishable_key, NOW),
        )

    @property
    def claim(self) -> dict[str, str]:
        return {"publishableKey": self.publishable_key}


@pytest.fixture
def tenant(world: World) -> Tenant:
    return Tenant(world)


def proven_of(world: World, tenant: Tenant) -> list[str]:
    """The users who proved themselves to the project."""
    rows = world.db.connection.execute(
        "SELECT clerkUserId FROM end_users WHERE publishableKey = ? AND provenAt IS NOT NULL", (tenant.publishable_key,)
    )
    return [row[0] for row in rows]


def settle(world: World, **headers: str) -> EndUserCaller:
    async def settled() -> EndUserCaller:
        caller = await end_user(world.context, request_with(**headers))
        await world.finish()
        return caller

    return asyncio.run(settled())


def refused(world: World, code: str, **headers: str) -> None:
    async def settled() -> ApiError:
        with pytest.raises(ApiError) as refusal:
            await end_user(world.context, request_with(**headers))
        await world.finish()
        return refusal.value

    assert asyncio.run(settled()).code == code


def members_of(world: World, tenant: Tenant) -> list[str]:
    rows = world.db.connection.execute(
        "SELECT clerkUserId FROM end_users WHERE publishableKey = ?", (tenant.publishable_key,)
    )
    return [row["clerkUserId"] for row in rows]


# With a publishable key


@pytest.mark.parametrize("sent_in", ["x_clerk_token", "authorization"])
def test_a_token_that_names_the_project_is_enough(world: World, clerk: Clerk, tenant: Tenant, sent_in: str) -> None:
    token = clerk.end_users_test.token(metadata=tenant.claim, email="ada@example.com")
    sent = token if sent_in == "x_clerk_token" else f"Bearer {token}"
    caller = settle(world, x_publishable_key=tenant.publishable_key, **{sent_in: sent})
    assert (caller.user_id, caller.email, caller.secret_key_hash) == ("user_1", "ada@example.com", None)
    assert caller.project.publishable_key == tenant.publishable_key


def test_a_warm_call_with_a_claim_makes_no_round_trip(world: World, clerk: Clerk, tenant: Tenant) -> None:
    token = clerk.end_users_test.token(metadata=tenant.claim)
    settle(world, x_publishable_key=tenant.publishable_key, x_clerk_token=token)
    before = (world.db.round_trips, world.kv.reads, len(world.fetch.calls))
    settle(world, x_publishable_key=tenant.publishable_key, x_clerk_token=token)
    assert (world.db.round_trips, world.kv.reads, len(world.fetch.calls)) == before


def test_a_warm_call_of_a_known_member_makes_no_round_trip(world: World, clerk: Clerk, tenant: Tenant) -> None:
    token = clerk.end_users_test.token()
    settle(world, x_publishable_key=tenant.publishable_key, x_clerk_token=token)
    before = (world.db.round_trips, world.kv.reads, len(world.fetch.calls))
    settle(world, x_publishable_key=tenant.publishable_key, x_clerk_token=token)
    assert (world.db.round_trips, world.kv.reads, len(world.fetch.calls)) == before


def test_a_user_of_no_project_is_bound_on_first_sight(world: World, clerk: Clerk, tenant: Tenant) -> None:
    token = clerk.end_users_test.token(email="ada@example.com")
    settle(world, x_publishable_key=tenant.publishable_key, x_clerk_token=token)
    assert members_of(world, tenant) == ["user_1"]
    other = Tenant(world)
    refused(world, "project_mismatch", x_publishable_key=other.publishable_key, x_clerk_token=token)
    assert members_of(world, other) == []


def test_a_user_of_another_project_is_refused(world: World, clerk: Clerk, tenant: Tenant) -> None:
    other = Tenant(world)
    token = clerk.end_users_test.token(metadata=other.claim)
    refused(world, "project_mismatch", x_publishable_key=tenant.publishable_key, x_clerk_token=token)
    assert members_of(world, tenant) == []


def test_a_claim_of_another_project_outranks_any_row(world: World, clerk: Clerk, tenant: Tenant) -> None:
    other = Tenant(world)
    sent = {"x_publishable_key": tenant.publishable_key}
    settle(world, **sent, x_clerk_token=clerk.end_users_test.token())
    assert proven_of(world, tenant) == ["user_1"]
    claiming = clerk.end_users_test.token(metadata=other.claim)
    refused(world, "project_mismatch", **sent, x_clerk_token=claiming)  # though the isolate remembers a member
    forget_membership(tenant.publishable_key, "user_1")
    refused(world, "project_mismatch", **sent, x_clerk_token=claiming)


def test_a_row_that_a_backend_made_neither_admits_nor_locks_out(world: World, clerk: Clerk, tenant: Tenant) -> None:
    attacker = Tenant(world)
    asyncio.run(end_users.provision(world.db, attacker.publishable_key, "user_1", NOW))
    settle(world, x_publishable_key=tenant.publishable_key, x_clerk_token=clerk.end_users_test.token())
    assert (proven_of(world, tenant), proven_of(world, attacker)) == (["user_1"], [])
    refused(
        world,
        "project_mismatch",
        x_publishable_key=attacker.publishable_key,
        x_clerk_token=clerk.end_users_test.token(),
    )


def test_an_unproven_row_becomes_proven_by_the_users_token(world: World, clerk: Clerk, tenant: Tenant) -> None:
    asyncio.run(end_users.provision(world.db, tenant.publishable_key, "user_1", NOW))
    token = clerk.end_users_test.token(email="ada@example.com")
    settle(world, x_publishable_key=tenant.publishable_key, x_clerk_token=token)
    assert proven_of(world, tenant) == ["user_1"]
    row = world.db.connection.execute("SELECT email, createdAt FROM end_users").fetchone()
    assert tuple(row) == ("ada@example.com", NOW)


def test_the_first_token_enqueues_what_tells_clerk_in_the_same_batch(
    world: World, clerk: Clerk, tenant: Tenant
) -> None:
    sent = {"x_publishable_key": tenant.publishable_key, "x_clerk_token": clerk.end_users_test.token()}

    async def round_trips() -> int:
        before = world.db.round_trips
        await end_user(world.context, request_with(**sent))
        made = world.db.round_trips - before
        await world.finish()
        return made

    assert asyncio.run(round_trips()) == 3  # the key, the membership, the batch that joins
    ((kind, payload),) = world.db.connection.execute("SELECT kind, payload FROM outbox").fetchall()
    assert kind == "set_public_metadata"
    assert json.loads(payload) == {
        "instance": "END_USERS_TEST",
        "userId": "user_1",
        "publicMetadata": {"publishableKey": tenant.publishable_key, "plan": None},
    }


def delete(world: World, tenant: Tenant, at: float) -> None:
    """The developer deletes user_1 at that moment."""
    asyncio.run(world.db.batch(removal_statements(tenant.publishable_key, "user_1", iso(at))))
    forget_membership(tenant.publishable_key, "user_1")


@pytest.mark.parametrize("claims", [True, False])
def test_a_token_from_before_the_deletion_does_not_bring_the_user_back(
    world: World, clerk: Clerk, tenant: Tenant, claims: bool
) -> None:
    metadata = tenant.claim if claims else {}
    now = int(world.context.now_seconds())
    sent = {"x_publishable_key": tenant.publishable_key}
    old = clerk.end_users_test.token(metadata=metadata, iat=now - 20, nbf=now - 30)
    settle(world, **sent, x_clerk_token=old)
    delete(world, tenant, now - 10)
    refused(world, "user_deleted", **sent, x_clerk_token=old)
    assert members_of(world, tenant) == []
    settle(world, **sent, x_clerk_token=clerk.end_users_test.token(metadata=metadata, iat=now - 5, nbf=now - 15))
    assert proven_of(world, tenant) == ["user_1"]
    refused(world, "user_deleted", **sent, x_clerk_token=old)  # though the isolate remembers a member


def test_a_token_older_than_deletions_are_remembered_is_refused(world: World, clerk: Clerk, tenant: Tenant) -> None:
    issued = int(world.context.now_seconds() - MAXIMUM_AGE_SECONDS - 60)
    token = clerk.end_users_test.token(metadata=tenant.claim, iat=issued, nbf=issued)
    refused(world, "token_expired", x_publishable_key=tenant.publishable_key, x_clerk_token=token)


def test_a_counting_route_looks_nothing_up_for_a_claim_and_joins_after_the_answer(
    world: World, clerk: Clerk, tenant: Tenant
) -> None:
    token = clerk.end_users_test.token(metadata=tenant.claim)
    request = request_with(x_publishable_key=tenant.publishable_key, x_clerk_token=token)

    async def counted() -> int:
        before = world.db.round_trips
        caller = await counted_end_user(world.context, request)
        looked_up = world.db.round_trips - before
        assert members_of(world, tenant) == []
        join_later(world.context, caller)
        await world.finish()
        return looked_up

    assert asyncio.run(counted()) == 1  # the key
    assert proven_of(world, tenant) == ["user_1"]


def test_a_claim_of_a_deleted_project_claims_nothing(world: World, clerk: Clerk, tenant: Tenant) -> None:
    token = clerk.end_users_test.token(metadata={"publishableKey": make_key("pk", "test", os.urandom)})
    settle(world, x_publishable_key=tenant.publishable_key, x_clerk_token=token)
    assert members_of(world, tenant) == ["user_1"]


def test_test_tokens_and_live_tokens_keep_to_their_mode(world: World, clerk: Clerk, tenant: Tenant) -> None:
    live = Tenant(world, "live")
    settle(world, x_publishable_key=live.publishable_key, x_clerk_token=clerk.end_users_live.token(sub="user_live"))
    settle(world, x_publishable_key=tenant.publishable_key, x_clerk_token=clerk.end_users_test.token())
    for key, instance in ((live, clerk.end_users_test), (tenant, clerk.end_users_live), (tenant, clerk.developers)):
        token = instance.token(metadata=key.claim)
        refused(world, "invalid_token", x_publishable_key=key.publishable_key, x_clerk_token=token)


def test_a_publishable_key_alone_names_nobody(world: World, tenant: Tenant) -> None:
    refused(world, "unauthorized", x_publishable_key=tenant.publishable_key)
    refused(world, "unauthorized", x_publishable_key=tenant.publishable_key, x_user_id="user_1")
    refused(world, "invalid_token", x_publishable_key=tenant.publishable_key, x_clerk_token="user_1")


def test_a_token_alone_names_no_project(world: World, clerk: Clerk, tenant: Tenant) -> None:
    token = clerk.end_users_test.token(metadata=tenant.claim)
    refused(world, "unauthorized", x_clerk_token=token)
    refused(world, "unauthorized", authorization=f"Bearer {token}")


def test_headers_of_the_backend_mean_nothing_beside_a_publishable_key(
    world: World, clerk: Clerk, tenant: Tenant
) -> None:
    token = clerk.end_users_test.token(metadata=tenant.claim)
    sent = {"x_publishable_key": tenant.publishable_key, "x_clerk_token": token}
    caller = settle(world, **sent, x_user_plan="unlimited", x_user_id="user_2")
    assert (caller.user_id, caller.plan_hint) == ("user_1", None)


@pytest.mark.parametrize("key", ["pk_test_nonsense", "", "sk_test_x"])
def test_a_malformed_key_costs_no_look_up(world: World, clerk: Clerk, key: str) -> None:
    refused(world, "invalid_api_key", x_publishable_key=key, x_clerk_token=clerk.end_users_test.token())
    assert (world.db.round_trips, world.kv.reads, len(world.fetch.calls)) == (0, 0, 0)


def test_an_unknown_key_binds_nobody(world: World, clerk: Clerk) -> None:
    unknown = make_key("pk", "test", os.urandom)
    refused(world, "invalid_api_key", x_publishable_key=unknown, x_clerk_token=clerk.end_users_test.token())
    assert world.db.connection.execute("SELECT count(*) FROM end_users").fetchone()[0] == 0


def test_a_bad_token_binds_nobody(world: World, clerk: Clerk, tenant: Tenant) -> None:
    forged = clerk.end_users_live.token(iss=clerk.end_users_test.issuer)
    refused(world, "invalid_token", x_publishable_key=tenant.publishable_key, x_clerk_token=forged)
    assert members_of(world, tenant) == []


def test_an_expired_token_is_refused_though_it_was_verified_before(
    world: World, clerk: Clerk, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = clerk.end_users_test.token(metadata=tenant.claim)
    sent = {"x_publishable_key": tenant.publishable_key, "x_clerk_token": token}
    settle(world, **sent)
    now = world.context.now_seconds()
    monkeypatch.setattr("dream.runtime.clock.read", lambda: now + 70)
    refused(world, "token_expired", **sent)


def test_a_forgotten_member_is_asked_about_again(world: World, clerk: Clerk, tenant: Tenant) -> None:
    token = clerk.end_users_test.token()
    sent = {"x_publishable_key": tenant.publishable_key, "x_clerk_token": token}
    settle(world, **sent)
    other = Tenant(world)
    world.db.connection.execute("UPDATE end_users SET publishableKey = ?", (other.publishable_key,))
    forget_membership(tenant.publishable_key, "user_1")
    refused(world, "project_mismatch", **sent)


def test_of_two_projects_that_see_a_new_user_at_once_one_gets_them(world: World, clerk: Clerk, tenant: Tenant) -> None:
    other, token = Tenant(world), clerk.end_users_test.token()

    async def both() -> list[object]:
        requests = [
            request_with(x_publishable_key=each.publishable_key, x_clerk_token=token) for each in (tenant, other)
        ]
        found = await asyncio.gather(*(end_user(world.context, each) for each in requests), return_exceptions=True)
        await world.finish()
        return list(found)

    outcomes = asyncio.run(both())
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["EndUserCaller", "ProjectMismatch"]
    assert [proven_of(world, each) for each in (tenant, other)].count(["user_1"]) == 1


def test_keys_that_cannot_be_had_are_a_503(world: World, clerk: Clerk, tenant: Tenant) -> None:
    clerk.is_down = True
    refused(
        world,
        "token_keys_unavailable",
        x_publishable_key=tenant.publishable_key,
        x_clerk_token=clerk.end_users_test.token(),
    )
    assert Unavailable.status == 503


# With a secret key


def test_a_backend_names_any_user(world: World, tenant: Tenant) -> None:
    caller = settle(world, authorization=f"Bearer {tenant.secret_key}", x_user_id="anybody", x_user_plan="pro")
    assert (caller.user_id, caller.plan_hint) == ("anybody", "pro")
    assert caller.secret_key_hash == hash_secret(tenant.secret_key)


def test_a_backend_may_pass_its_users_token_on(world: World, clerk: Clerk, tenant: Tenant) -> None:
    sent = {"authorization": f"Bearer {tenant.secret_key}", "x_clerk_token": clerk.end_users_test.token()}
    assert settle(world, **sent).user_id == "user_1"
    assert settle(world, **sent, x_user_id="user_1", x_user_plan="pro").plan_hint == "pro"
    assert members_of(world, tenant) == ["user_1"]


def test_a_name_and_a_token_of_different_users_are_a_mistake(world: World, clerk: Clerk, tenant: Tenant) -> None:
    sent = {"authorization": f"Bearer {tenant.secret_key}", "x_clerk_token": clerk.end_users_test.token()}
    refused(world, "user_mismatch", **sent, x_user_id="user_2")
    assert BadRequest.status == 400


def test_a_bad_token_beside_a_secret_key_is_refused(world: World, clerk: Clerk, tenant: Tenant) -> None:
    key = f"Bearer {tenant.secret_key}"
    for token in (
        "",
        "x",
        clerk.end_users_live.token(),
        clerk.developers.token(),
        clerk.end_users_test.unsigned_token(),
    ):
        refused(world, "invalid_token", authorization=key, x_clerk_token=token, x_user_id="user_1")


def test_a_token_of_another_projects_user_is_refused_beside_a_secret_key(
    world: World, clerk: Clerk, tenant: Tenant
) -> None:
    token = clerk.end_users_test.token(metadata=Tenant(world).claim)
    refused(world, "project_mismatch", authorization=f"Bearer {tenant.secret_key}", x_clerk_token=token)


def test_a_secret_key_beside_another_projects_publishable_key_is_a_mistake(
    world: World, clerk: Clerk, tenant: Tenant
) -> None:
    other = Tenant(world)
    sent = {"authorization": f"Bearer {tenant.secret_key}", "x_publishable_key": other.publishable_key}
    refused(world, "key_mismatch", **sent, x_user_id="user_1")
    refused(world, "key_mismatch", **sent, x_clerk_token=clerk.end_users_test.token())


def test_a_secret_key_alone_names_nobody(world: World, tenant: Tenant) -> None:
    refused(world, "missing_user", authorization=f"Bearer {tenant.secret_key}")


def test_an_unknown_secret_key_is_refused_before_anything_else(world: World, clerk: Clerk) -> None:
    with pytest.raises(Unauthorized):
        settle(world, authorization=f"Bearer {make_key('sk', 'test', os.urandom)}", x_user_id="user_1")
    with pytest.raises(Unauthorized):
        settle(
            world,
            authorization=f"Bearer {make_key('sk', 'test', os.urandom)}",
            x_clerk_token=clerk.end_users_test.token(),
        )
