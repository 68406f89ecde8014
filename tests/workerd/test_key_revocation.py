"""How long a warm isolate lets a key work that is no longer valid. Only the real runtime has isolates with caches of their own."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest

from devstack.stack.stack import Stack
from tests.support.developers import make_developer
from tests.support.stripe_accounts import StripeControls
from tests.support.tenants import make_tenant

BOUND_SECONDS = 10.0
"""How soon a key must be refused everywhere in one location."""
GRACE_SECONDS = 3


def use(stack: Stack, secret_key: str) -> int:
    """Status of a call with the key at api-multi."""
    return stack.http("api-multi").get("/api/tiers", headers={"Authorization": f"Bearer {secret_key}"}).status_code


def count(stack: Stack, secret_key: str) -> int:
    """Status of a counted call with the key at api-multi."""
    headers = {"Authorization": f"Bearer {secret_key}", "X-User-Id": "user_1"}
    return stack.http("api-multi").post("/api/data", headers=headers, json={}).status_code


def seconds_until_refused(stack: Stack, keys: Mapping[str, str], began: Mapping[str, float]) -> dict[str, float]:
    """How long each key worked after it began to be invalid. Asks again and again."""
    seconds: dict[str, float] = {}
    while len(seconds) < len(keys):
        for name in keys.keys() - seconds.keys():
            passed = time.monotonic() - began[name]
            if use(stack, keys[name]) == 401:
                seconds[name] = passed
            assert passed < 2 * BOUND_SECONDS, f"the key that was {name} still works"
    return seconds


def test_a_key_counts_nothing_after_its_rotation(stack: Stack, stripe: StripeControls) -> None:
    developer = make_developer(stack, stripe, connected=())
    project = make_tenant(stack, platform=(developer.platform_id, developer.user_id))
    assert count(stack, project.secret_key) == 200
    body = {"publishableKey": project.publishable_key}
    assert developer.front_auth("POST", "/projects/rotate-key", body).status_code == 200
    assert count(stack, project.secret_key) == 401


def test_an_invalid_key_is_refused_within_the_bound(
    stack: Stack, stripe: StripeControls, capsys: pytest.CaptureFixture[str]
) -> None:
    developer = make_developer(stack, stripe, connected=())
    platform = (developer.platform_id, developer.user_id)
    rotated, revoked, deleted, graced = (make_tenant(stack, platform=platform) for _ in range(4))
    old_keys = {
        "rotated": rotated.secret_key,
        "revoked": revoked.secret_key,
        "deleted": deleted.secret_key,
        "rotated with a grace time": graced.secret_key,
    }
    for secret_key in old_keys.values():
        assert use(stack, secret_key) == count(stack, secret_key) == 200
    began: dict[str, float] = {}

    body = {"publishableKey": graced.publishable_key, "gracePeriodSeconds": GRACE_SECONDS}
    began["rotated with a grace time"] = time.monotonic() + GRACE_SECONDS
    current = [developer.front_auth("POST", "/projects/rotate-key", body).json()["secretKey"]]
    assert use(stack, graced.secret_key) == 200
    began["rotated"] = time.monotonic()
    body = {"publishableKey": rotated.publishable_key}
    current.append(developer.front_auth("POST", "/projects/rotate-key", body).json()["secretKey"])
    began["revoked"] = time.monotonic()
    body = {"publishableKey": revoked.publishable_key, "keyId": revoked.secret_key_hash[:16]}
    assert developer.front_auth("POST", "/projects/revoke-key", body).status_code == 200
    began["deleted"] = time.monotonic()
    assert developer.front_auth("DELETE", f"/projects/{deleted.publishable_key}").status_code == 200
    assert [use(stack, secret_key) for secret_key in current] == [200, 200]

    seconds = seconds_until_refused(stack, old_keys, began)
    with capsys.disabled():
        for name, passed in seconds.items():
            print(f"\n  a key that was {name} worked for another {passed:.1f} s (bound {BOUND_SECONDS:.0f} s)", end="")
    assert max(seconds.values()) < BOUND_SECONDS
    assert seconds["rotated with a grace time"] > -0.1
    assert count(stack, graced.secret_key) == 401
    assert [use(stack, secret_key) for secret_key in current] == [200, 200]
