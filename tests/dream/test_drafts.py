"""Steps at Stripe are taken once: which idempotency key a step has, and what a failure leaves for the retry."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from dream.clients.stripe.http import StripeFailureReplayed, StripeRefused
from dream.errors import Unavailable, Unprocessable, VendorFailed
from dream.services.catalog.drafts import CONTINUED_SECONDS, Draft, creating, open_draft
from dream.services.platforms.connection import StripeNotConnected
from tests.support.world import World

Result = TypeVar("Result")
CREATED = "2026-01-01T00:00:00.000Z"


def run(work: Coroutine[Any, Any, Result]) -> Result:
    return asyncio.run(work)


@pytest.fixture
def world() -> World:
    world = World()
    world.db.connection.execute(
        "INSERT INTO platforms (platformId, clerkUserId, createdAt, updatedAt) VALUES ('plt_1', 'user_1', ?1, ?1)",
        (CREATED,),
    )
    return world


def opened(world: World, *, retry_seconds: int = 0) -> Draft:
    return run(
        open_draft(
            world.context,
            "plt_1",
            "fingerprint",
            "pk_test_new",
            "test",
            work="work",
            retry_seconds=retry_seconds,
        )
    )


def attempt(world: World, draft: Draft, failure: Exception | None) -> list[str]:
    """The idempotency keys of two steps, the second of which fails."""
    keys: list[str] = []

    async def first(key: str) -> str:
        keys.append(key)
        return "prod_1"

    async def second(key: str) -> str:
        keys.append(key)
        if failure is not None:
            raise failure
        return "price_1"

    async def work() -> None:
        async with creating(world.context, draft, "test", "acct_1"):
            await draft.once("pro:product", first)
            await draft.once("pro:price", second)

    run(work())
    return keys


def test_a_draft_is_continued_until_it_is_deleted_or_too_old(world: World) -> None:
    first = opened(world)
    assert opened(world).draft_id == first.draft_id
    assert opened(world).publishable_key == first.publishable_key
    old = world.context.now_seconds() - CONTINUED_SECONDS - 60
    world.db.connection.execute(
        "UPDATE project_drafts SET createdAt = strftime('%Y-%m-%dT%H:%M:%fZ', ?1, 'unixepoch')", (old,)
    )
    assert opened(world).draft_id != first.draft_id


def test_a_completed_draft_answers_retries_only_while_its_project_exists_and_only_for_a_while(world: World) -> None:
    draft = opened(world)
    world.db.connection.execute("UPDATE project_drafts SET settledAt = ?1", (world.context.now(),))
    assert opened(world, retry_seconds=60).draft_id != draft.draft_id
    draft = opened(world)
    world.db.connection.execute(
        "INSERT INTO projects (publishableKey, platformId, name, projectType, mode, createdAt, updatedAt)"
        " VALUES (?1, 'plt_1', 'A', 'saas', 'test', ?2, ?2)",
        (draft.publishable_key, CREATED),
    )
    world.db.connection.execute("UPDATE project_drafts SET settledAt = ?1", (world.context.now(),))
    assert opened(world, retry_seconds=60).is_complete
    assert not opened(world, retry_seconds=-1).is_complete


@pytest.mark.parametrize("failure", [VendorFailed(), Unavailable()])
def test_a_failure_saves_what_was_created_and_the_key_of_what_was_not(world: World, failure: Exception) -> None:
    draft = opened(world)
    with pytest.raises(type(failure)):
        attempt(world, draft, failure)
    retry = attempt(world, opened(world), None)
    assert retry == [f"{draft.draft_id}:pro:price:0"]


def test_a_failure_that_stripe_replays_gets_another_key(world: World) -> None:
    draft = opened(world)
    with pytest.raises(StripeFailureReplayed):
        attempt(world, draft, StripeFailureReplayed())
    assert attempt(world, opened(world), None) == [f"{draft.draft_id}:pro:price:1"]


def test_what_stripe_refuses_is_given_up_and_archived(world: World) -> None:
    with pytest.raises(Unprocessable):
        attempt(world, opened(world), StripeRefused("url_invalid", "images", 400, "bad image"))
    owed = world.db.connection.execute("SELECT kind, subject FROM outbox").fetchall()
    assert [tuple(row) for row in owed] == [("archive_product", "prod_1")]
    assert not world.db.connection.execute("SELECT 1 FROM project_drafts").fetchall()


def test_an_account_without_access_is_not_connected(world: World) -> None:
    with pytest.raises(StripeNotConnected):
        attempt(world, opened(world), StripeRefused("account_invalid", None, 403, "no access"))


def test_a_step_that_another_request_is_taking_waits_for_it(world: World) -> None:
    draft = opened(world)
    with pytest.raises(Unavailable):
        attempt(world, draft, StripeRefused("idempotency_key_in_use", None, 409, "in use"))
    assert opened(world).draft_id == draft.draft_id
    assert not world.db.connection.execute("SELECT 1 FROM outbox").fetchall()
