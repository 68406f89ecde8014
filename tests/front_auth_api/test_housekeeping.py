"""The schedule deletes what has lapsed."""

from __future__ import annotations

from datetime import UTC, datetime

from dream.domain import keys
from tests.support.developers import Developer
from tests.support.stack import Stack
from tests.support.tenants import FAR_AWAY, make_tenant

WORKER = "front-auth-api"
LONG_AGO = "2020-01-01T00:00:00.000Z"


def test_what_has_lapsed_is_deleted_and_the_rest_stays(stack: Stack, developer: Developer) -> None:
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
