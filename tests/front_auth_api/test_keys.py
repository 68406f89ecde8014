"""Secret keys: rotated at once or with a grace time, and revoked."""

from __future__ import annotations

from typing import Any

import pytest

from dream.domain import keys
from tests.support.developers import Developer
from tests.support.in_process.stack import InProcessStack
from tests.support.killing import die_at
from tests.support.stack import Stack
from tests.support.tenants import Tenant

WORKER = "front-auth-api"
BOUND_SECONDS = 10.0
"""How soon a key must be refused everywhere in one location."""


def rotate(developer: Developer, project: Tenant, **more: Any) -> dict[str, Any]:
    answer = developer.front_auth("POST", "/projects/rotate-key", {"publishableKey": project.publishable_key, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def use(stack: Stack, secret_key: str) -> int:
    """Status of a call with the key at api-multi."""
    return stack.http("api-multi").get("/api/tiers", headers={"Authorization": f"Bearer {secret_key}"}).status_code


def count(stack: Stack, secret_key: str) -> int:
    """Status of a counted call with the key at api-multi."""
    headers = {"Authorization": f"Bearer {secret_key}", "X-User-Id": "user_1"}
    return stack.http("api-multi").post("/api/data", headers=headers, json={}).status_code


def pass_the_bound(stack: InProcessStack) -> None:
    """Lets so much time pass that every isolate must know of a rotation or revocation."""
    stack.clock.offset_seconds += BOUND_SECONDS


def test_a_rotated_key_is_refused_within_the_bound_and_the_new_one_works_at_once(
    stack: InProcessStack, developer: Developer, project: Tenant
) -> None:
    assert use(stack, project.secret_key) == 200
    rotated = rotate(developer, project)
    new_key = rotated["secretKey"]
    assert use(stack, new_key) == 200
    pass_the_bound(stack)
    assert use(stack, project.secret_key) == 401
    assert use(stack, new_key) == 200
    assert keys.is_well_formed(new_key, "sk")
    assert keys.mode_of(new_key) == "test"
    (listed,) = developer.front_auth("GET", "/projects").json()["projects"]
    assert [key["id"] for key in listed["keys"]] == [rotated["keyId"]]
    assert [entry["action"] for entry in listed["audit"]] == ["key.rotated"]


def test_a_rotated_key_counts_nothing_after_the_rotation(stack: Stack, developer: Developer, project: Tenant) -> None:
    assert count(stack, project.secret_key) == 200
    rotate(developer, project)
    assert count(stack, project.secret_key) == 401


def test_a_rotated_key_works_for_its_grace_time_and_no_longer(
    stack: InProcessStack, developer: Developer, project: Tenant
) -> None:
    first = rotate(developer, project, gracePeriodSeconds=60)
    assert use(stack, project.secret_key) == use(stack, first["secretKey"]) == 200
    (listed,) = developer.front_auth("GET", "/projects").json()["projects"]
    assert [(key["id"], key["status"]) for key in listed["keys"]] == [
        (first["keyId"], "active"),
        (project.secret_key_hash[:16], "grace"),
    ]
    stack.clock.offset_seconds = 58
    assert count(stack, project.secret_key) == use(stack, project.secret_key) == 200
    stack.clock.offset_seconds = 61
    assert count(stack, project.secret_key) == 401
    pass_the_bound(stack)
    assert use(stack, project.secret_key) == 401
    assert use(stack, first["secretKey"]) == 200


def test_a_later_rotation_never_lengthens_a_grace_time(
    stack: InProcessStack, developer: Developer, project: Tenant
) -> None:
    rotate(developer, project, gracePeriodSeconds=60)
    (before,) = stack.d1("SELECT expiresAt FROM api_keys WHERE secretKeyHash = ?1", project.secret_key_hash)
    second = rotate(developer, project, gracePeriodSeconds=3600)
    assert stack.d1("SELECT expiresAt FROM api_keys WHERE secretKeyHash = ?1", project.secret_key_hash) == [before]
    third = rotate(developer, project)
    pass_the_bound(stack)
    assert use(stack, project.secret_key) == use(stack, second["secretKey"]) == 401
    assert use(stack, third["secretKey"]) == 200


def test_a_repeated_rotation_with_the_same_idempotency_key_makes_one_new_key(
    stack: Stack, developer: Developer, project: Tenant
) -> None:
    body = {"publishableKey": project.publishable_key}
    answers = [
        developer.front_auth(
            "POST", "/projects/rotate-key", body, **{"Idempotency-Key": f"rotate-{project.secret_key_hash}"}
        )
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert len(stack.d1("SELECT 1 FROM api_keys WHERE publishableKey = ?1", project.publishable_key)) == 2


def test_a_revoked_key_is_refused_within_the_bound_and_the_other_keys_work_on(
    stack: InProcessStack, developer: Developer, project: Tenant
) -> None:
    rotated = rotate(developer, project, gracePeriodSeconds=3600)
    assert use(stack, project.secret_key) == 200
    body = {"publishableKey": project.publishable_key, "keyId": project.secret_key_hash[:16]}
    answer = developer.front_auth("POST", "/projects/revoke-key", body)
    assert answer.status_code == 200, answer.text
    assert [key["id"] for key in answer.json()["revoked"]] == [project.secret_key_hash[:16]]
    pass_the_bound(stack)
    assert use(stack, project.secret_key) == 401
    assert use(stack, rotated["secretKey"]) == 200
    assert developer.front_auth("POST", "/projects/revoke-key", body).status_code == 404


def test_all_keys_of_a_project_can_be_revoked_and_a_rotation_makes_a_new_one(
    stack: InProcessStack, developer: Developer, project: Tenant
) -> None:
    rotated = rotate(developer, project, gracePeriodSeconds=3600)
    answer = developer.front_auth("POST", "/projects/revoke-key", {"publishableKey": project.publishable_key})
    assert len(answer.json()["revoked"]) == 2
    pass_the_bound(stack)
    assert use(stack, project.secret_key) == use(stack, rotated["secretKey"]) == 401
    assert developer.front_auth("GET", "/get-credentials").json()["testSecretKey"] is None
    assert use(stack, rotate(developer, project)["secretKey"]) == 200


@pytest.mark.parametrize("grace", [-1, 604801, 1.5, "60", True, None])
def test_a_grace_time_is_whole_seconds_up_to_a_week(developer: Developer, project: Tenant, grace: object) -> None:
    body = {"publishableKey": "pk_test_x", "gracePeriodSeconds": grace}
    answer = developer.front_auth("POST", "/projects/rotate-key", body)
    assert set(answer.json()["fields"]) == {"publishableKey", "gracePeriodSeconds"}


def test_a_rotation_that_dies_has_happened_and_can_be_repeated(
    stack: InProcessStack, developer: Developer, project: Tenant
) -> None:
    assert count(stack, project.secret_key) == 200
    body = {"publishableKey": project.publishable_key}
    die_at(stack, WORKER, "rotate-key:committed", lambda: developer.front_auth("POST", "/projects/rotate-key", body))
    assert count(stack, project.secret_key) == 401
    rotated = rotate(developer, project)
    active = "SELECT secretKeyHash FROM api_keys WHERE publishableKey = ?1 AND status = 'active'"
    (current,) = stack.d1(active, project.publishable_key)
    assert current["secretKeyHash"] == keys.hash_secret(rotated["secretKey"])
    assert count(stack, rotated["secretKey"]) == 200


def test_a_revocation_that_dies_has_happened_and_can_be_repeated(
    stack: InProcessStack, developer: Developer, project: Tenant
) -> None:
    assert count(stack, project.secret_key) == 200
    body = {"publishableKey": project.publishable_key}
    die_at(stack, WORKER, "revoke-key:committed", lambda: developer.front_auth("POST", "/projects/revoke-key", body))
    assert count(stack, project.secret_key) == 401
    assert developer.front_auth("POST", "/projects/revoke-key", body).json()["revoked"] == []


@pytest.mark.parametrize("key_id", ["", "x", "sk_test_x", 7, "0" * 17])
def test_a_revocation_names_a_key_by_its_id(developer: Developer, project: Tenant, key_id: object) -> None:
    body = {"publishableKey": project.publishable_key, "keyId": key_id}
    answer = developer.front_auth("POST", "/projects/revoke-key", body)
    assert (answer.status_code, set(answer.json()["fields"])) == (400, {"keyId"})
