"""What the schedule puts right: events that never came, what has lapsed, keys that an older encryption key sealed. In workerd."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from devstack.stack.ports import Ports
from devstack.stack.secrets import Secrets
from devstack.stack.stack import Stack
from dream.domain import keys
from tests.support.developers import Developer, make_developer
from tests.support.stripe_accounts import Saas, StripeControls, make_account, make_saas
from tests.support.tenants import FAR_AWAY, make_platform, make_tenant

WORKER = "front-auth-api"
LONG_AGO = "2020-01-01T00:00:00.000Z"
RUNS_OF_A_NIGHT = 60
SLICES_PER_RUN = 20
"""How many accounts one minute's run gets through."""
JOBS = ("platform_subscriptions", "end_user_subscriptions", "sealed_keys")

_nights = itertools.count(1)


def call(developer: Developer, method: str, path: str, body: Any = None) -> httpx.Response:
    return developer.request(method, path, body, worker=WORKER)


@contextmanager
def heard_nothing(stripe: StripeControls) -> Iterator[None]:
    """Stripe's events get lost."""
    stripe.drained()
    stripe.control("webhooks/rules", {"drop": True})
    try:
        yield
    finally:
        stripe.clear("webhooks/rules")


def night(stack: Stack) -> str:
    """The minutes after four in the morning of a date that no test has had yet; returns that date."""
    morning = (datetime.now(UTC) + timedelta(days=next(_nights))).replace(hour=4, minute=0)
    clock = f"{stack.url(WORKER)}/_devstack/clock"
    httpx.post(clock, json={"offsetSeconds": morning.timestamp() - time.time()}).raise_for_status()
    date = f"{morning:%Y-%m-%d}"
    try:
        for _ in range(RUNS_OF_A_NIGHT):
            stack.run_scheduled(WORKER)
            if len(finished(stack, date)) == len(JOBS):
                return date
    finally:
        httpx.post(clock, json={"offsetSeconds": 0}).raise_for_status()
    raise AssertionError(f"only these came to their end: {list(finished(stack, date))}")


def finished(stack: Stack, date: str) -> dict[str, dict[str, Any]]:
    """The jobs that came to their end on that date."""
    rows = stack.d1("SELECT * FROM nightly_runs WHERE substr(run, 1, 10) = ?1 AND finishedAt IS NOT NULL", date)
    return {row["job"]: row for row in rows}


def drifted(stack: Stack, subscription_id: str) -> int:
    """How often the log says that this subscription was found drifted."""
    lines = stack.log_path.read_text().splitlines()
    return sum(subscription_id in line and "drifted" in line for line in lines)


def test_a_developers_payment_that_no_event_told_is_found_at_night(stack: Stack, stripe: StripeControls) -> None:
    developer = make_developer(stack, stripe, platform=False)
    with heard_nothing(stripe):
        subscription_id = stripe.pay(call(developer, "POST", "/create-checkout", {}).json()["sessionId"])[
            "subscription"
        ]
    assert call(developer, "GET", "/subscription").json()["plan"] == "free"
    jobs = finished(stack, night(stack))
    assert jobs["platform_subscriptions"]["repaired"] >= 1
    assert call(developer, "GET", "/subscription").json()["plan"] == "paid"
    assert drifted(stack, subscription_id) == 1
    with heard_nothing(stripe):
        stripe.api("DELETE", f"subscriptions/{subscription_id}", None)
    night(stack)
    state = call(developer, "GET", "/subscription").json()
    assert (state["status"], state["plan"], state["liveKeysActive"]) == ("canceled", "free", True)
    assert drifted(stack, subscription_id) == 2
    night(stack)
    assert drifted(stack, subscription_id) == 2, "what was put right is right"


@pytest.fixture
def saas(stack: Stack, stripe: StripeControls) -> Saas:
    return make_saas(stack, stripe)


def test_an_end_users_subscription_that_no_event_told_is_found_at_night(
    stack: Stack, stripe: StripeControls, saas: Saas, api: httpx.Client
) -> None:
    headers = saas.tenant.headers("user_unheard")

    def plan() -> str:
        return api.get("/api/usage", headers=headers).json()["plan"]

    with heard_nothing(stripe):
        opened = api.post("/api/create-checkout", json={"tier": "pro"}, headers=headers).json()
        subscription_id = stripe.pay(opened["sessionId"])["subscription"]
    assert plan() == "free"
    jobs = finished(stack, night(stack))
    assert jobs["end_user_subscriptions"]["repaired"] >= 1
    assert plan() == "pro"
    assert drifted(stack, subscription_id) == 1
    with heard_nothing(stripe):
        stripe.api("DELETE", f"subscriptions/{subscription_id}", saas.account)
    night(stack)
    assert plan() == "free"
    night(stack)
    assert drifted(stack, subscription_id) == 2


def test_a_night_that_was_cut_short_goes_on_where_it_stopped(stack: Stack, stripe: StripeControls) -> None:
    for _ in range(SLICES_PER_RUN + 1):
        make_account(stack, stripe, make_platform(stack)[0])
    stack.run_scheduled(WORKER)
    date = f"{datetime.now(UTC) + timedelta(days=next(_nights)):%Y-%m-%d}"
    morning = datetime.fromisoformat(f"{date}T04:00:00+00:00")
    clock = f"{stack.url(WORKER)}/_devstack/clock"
    httpx.post(clock, json={"offsetSeconds": morning.timestamp() - time.time()}).raise_for_status()
    try:
        stack.run_scheduled(WORKER)
        (begun,) = stack.d1("SELECT * FROM nightly_runs WHERE job = 'end_user_subscriptions' AND run = ?1", date)
        assert begun["finishedAt"] is None
        assert begun["cursor"]
        stack.kill_workers()
        httpx.post(clock, json={"offsetSeconds": morning.timestamp() - time.time()}).raise_for_status()
        for _ in range(60):
            stack.run_scheduled(WORKER)
            if "end_user_subscriptions" in finished(stack, date):
                break
    finally:
        httpx.post(clock, json={"offsetSeconds": 0}).raise_for_status()
    assert "end_user_subscriptions" in finished(stack, date)


def test_what_has_lapsed_is_forgotten_and_what_has_not_is_kept(stack: Stack, stripe: StripeControls) -> None:
    developer = make_developer(stack, stripe, connected=())
    platform_id = developer.platform_id
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.000Z"
    gone_id, going_id = (keys.make_id("plt", lambda size, seed=seed: bytes([seed]) * size) for seed in (1, 2))
    for name, moment in (("old", LONG_AGO), ("new", now)):
        stack.d1(
            "INSERT INTO events (eventId, source, type, createdAt, claimedAt, payload)"
            " VALUES (?1, 'stripe_platform', 'lapse.test', ?2, ?2, '{}')",
            f"evt_{name}_{platform_id}",
            moment,
        )
        stack.d1(
            "INSERT INTO idempotency_keys (scope, idempotencyKey, fingerprint, claimId, createdAt) VALUES (?1, ?2, '', '', ?3)",
            platform_id,
            name,
            moment,
        )
        stack.d1(
            "INSERT INTO one_time_tokens (tokenHash, purpose, platformId, mode, expiresAt)"
            " VALUES (?1, 'connect_ticket', ?2, 'test', ?3)",
            f"{name}_{platform_id}",
            platform_id,
            FAR_AWAY if name == "new" else moment,
        )
    for deleted_id, moment in ((gone_id, LONG_AGO), (going_id, now)):
        stack.d1(
            "INSERT OR REPLACE INTO platforms (platformId, clerkUserId, createdAt, updatedAt, deletedAt)"
            " VALUES (?1, ?1, ?2, ?2, ?2)",
            deleted_id,
            moment,
        )
    project = make_tenant(stack).publishable_key
    for name, moment in (("old", LONG_AGO), ("new", now)):
        stack.d1(
            "INSERT INTO deleted_end_users (publishableKey, clerkUserId, deletedAt) VALUES (?1, ?2, ?3)",
            project,
            name,
            moment,
        )
    stack.run_scheduled(WORKER)
    remembered = stack.d1("SELECT clerkUserId FROM deleted_end_users WHERE publishableKey = ?1", project)
    assert [row["clerkUserId"] for row in remembered] == ["new"]
    events = "SELECT eventId, payload IS NULL AS dropped FROM events WHERE type = 'lapse.test' AND eventId LIKE ?1"
    assert {row["eventId"]: row["dropped"] for row in stack.d1(events, f"%_{platform_id}")} == {
        f"evt_old_{platform_id}": 1,
        f"evt_new_{platform_id}": 0,
    }
    kept = stack.d1("SELECT idempotencyKey FROM idempotency_keys WHERE scope = ?1", platform_id)
    assert [row["idempotencyKey"] for row in kept] == ["new"]
    tokens = stack.d1("SELECT tokenHash FROM one_time_tokens WHERE platformId = ?1", platform_id)
    assert [row["tokenHash"] for row in tokens] == [f"new_{platform_id}"]
    deleted = stack.d1("SELECT platformId FROM platforms WHERE platformId IN (?1, ?2)", gone_id, going_id)
    assert [row["platformId"] for row in deleted] == [going_id]


# Encryption keys


def sealed_under(stack: Stack) -> set[str]:
    """Names of the encryption keys that stored secret keys are sealed under."""
    rows = stack.d1("SELECT secretKeyEncrypted AS sealed FROM api_keys WHERE secretKeyEncrypted LIKE 'v1.%'")
    return {row["sealed"].split(".")[1] for row in rows}


@contextmanager
def running(folder: Path, ports: Ports, **overrides: str) -> Iterator[Stack]:
    """The stack of this folder, from start to stop."""
    stack = Stack(folder, ports, reload_on_save=False, frontend=False, overrides=overrides)
    stack.start()
    try:
        yield stack
    finally:
        stack.stop()


def test_after_an_encryption_key_is_rotated_the_older_one_may_go(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, ports = tmp_path_factory.mktemp("rotation"), Ports.free()

    def shown(stack: Stack) -> str:
        return call(replace(developer, stack=stack), "GET", "/get-credentials").json()["testSecretKey"]

    with running(folder, ports) as stack:
        stripe = StripeControls(stack)
        developer = make_developer(stack, stripe, connected=())
        stripe.close()
        tenant = make_tenant(stack, platform=(developer.platform_id, developer.user_id))
        body = {"publishableKey": tenant.publishable_key}
        secret_key = call(developer, "POST", "/projects/rotate-key", body).json()["secretKey"]
        (first,) = sealed_under(stack)
    Secrets.of_stack(folder).with_new_encryption_key().write(folder)
    both = Secrets.of_stack(folder).encryption_keys
    second = both.partition(":")[0]
    with running(folder, ports) as stack:
        assert shown(stack) == secret_key
        assert sealed_under(stack) == {first}
        stack.run_scheduled(WORKER)
        assert sealed_under(stack) == {second}
        assert shown(stack) == secret_key
    with running(folder, ports, ENCRYPTION_KEYS=both.split(",")[0]) as stack:
        assert shown(stack) == secret_key
