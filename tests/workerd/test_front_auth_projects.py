"""Projects and their keys at front-auth-api: listed, changed, rotated, revoked, deleted; never another's. In workerd."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from devstack.stack.stack import Stack
from dream.domain import keys
from tests.support.developers import Developer, make_developer
from tests.support.killing import kill_during
from tests.support.stripe_accounts import Saas, StripeControls, make_saas
from tests.support.tenants import Tenant, make_tenant

WORKER = "front-auth-api"
WITHIN_SECONDS = 10.0
"""How soon a key must be refused everywhere in one location."""


@pytest.fixture
def developer(stack: Stack, stripe: StripeControls) -> Developer:
    return make_developer(stack, stripe)


@pytest.fixture
def project(stack: Stack, developer: Developer) -> Tenant:
    return make_tenant(stack, platform=(developer.platform_id, developer.user_id))


def call(developer: Developer, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
    return developer.request(method, path, body, worker=WORKER, headers=headers)


def rotate(developer: Developer, project: Tenant, **more: Any) -> dict[str, Any]:
    answer = call(developer, "POST", "/projects/rotate-key", {"publishableKey": project.publishable_key, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def use(stack: Stack, secret_key: str, path: str = "/api/tiers") -> int:
    """Status of a call with the key at api-multi."""
    return httpx.get(f"{stack.url('api-multi')}{path}", headers={"Authorization": f"Bearer {secret_key}"}).status_code


def count(stack: Stack, secret_key: str) -> int:
    headers = {"Authorization": f"Bearer {secret_key}", "X-User-Id": "user_1"}
    return httpx.post(f"{stack.url('api-multi')}/api/data", headers=headers, json={}).status_code


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)


def seconds_until_refused(stack: Stack, secret_key: str) -> float:
    """How long a key goes on working, asked again and again at a warm isolate."""
    began = time.monotonic()
    while use(stack, secret_key) != 401:
        assert time.monotonic() - began < 2 * WITHIN_SECONDS, "the key goes on working"
        time.sleep(0.1)
    return time.monotonic() - began


# Listing and changing


def test_projects_are_listed_with_tiers_masked_keys_origins_and_what_was_done(
    stack: Stack, developer: Developer, project: Tenant
) -> None:
    (listed,) = call(developer, "GET", "/projects").json()["projects"]
    assert {name: listed[name] for name in ("publishableKey", "name", "projectType", "mode", "tiersCount")} == {
        "publishableKey": project.publishable_key,
        "name": "A project",
        "projectType": "saas",
        "mode": "test",
        "tiersCount": 3,
    }
    assert listed["secretKeyMasked"] == keys.mask(project.secret_key)
    assert [(key["id"], key["status"]) for key in listed["keys"]] == [(project.secret_key_hash[:16], "active")]
    assert project.secret_key not in str(listed)
    assert listed["redirectOrigins"] == []
    assert listed["audit"] == []


def test_a_project_gets_a_name_and_origins_and_the_log_says_by_whom(
    stack: Stack, developer: Developer, project: Tenant
) -> None:
    origins = ["https://app.example.com", "http://localhost:3000", "https://xn--bcher-kva.example:8443"]
    answer = call(
        developer,
        "PATCH",
        f"/projects/{project.publishable_key}",
        {"name": "  Notes  ", "redirectOrigins": [*origins, origins[0]]},
    )
    assert answer.status_code == 200, answer.text
    changed = answer.json()["project"]
    assert (changed["name"], sorted(changed["redirectOrigins"])) == ("Notes", sorted(origins))
    assert [(entry["action"], entry["actor"]) for entry in changed["audit"]] == [
        ("project.origins_set", developer.user_id),
        ("project.renamed", developer.user_id),
    ]
    answer = call(developer, "PATCH", f"/projects/{project.publishable_key}", {"redirectOrigins": []})
    assert answer.json()["project"]["redirectOrigins"] == []
    assert answer.json()["project"]["name"] == "Notes"


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.com/",
        "https://app.example.com/path",
        "https://app.example.com?x=1",
        "https://app.example.com#x",
        "https://*.example.com",
        "https://user@app.example.com",
        "https://app.example.com:443",
        "https://APP.example.com",
        "https://bücher.example",
        "https://app.example.com\n",
        "https://app..example.com",
        "https://-app.example.com",
        "https://example",
        "http://app.example.com",
        "http://localhost.example.com",
        "http://127.0.0.2:3000",
        "https://app.example.com:99999",
        "javascript:alert(1)",
        "//app.example.com",
        "null",
        "*",
        "",
        7,
        None,
    ],
)
def test_only_exact_https_origins_and_this_machine_for_test_are_taken(
    stack: Stack, developer: Developer, project: Tenant, origin: object
) -> None:
    answer = call(developer, "PATCH", f"/projects/{project.publishable_key}", {"redirectOrigins": [origin]})
    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == ["redirectOrigins[0]"]
    assert stack.d1("SELECT * FROM redirect_origins WHERE publishableKey = ?1", project.publishable_key) == []


def test_a_live_project_never_redirects_to_this_machine(stack: Stack, developer: Developer) -> None:
    live = make_tenant(stack, mode="live", platform=(developer.platform_id, developer.user_id))
    for origin in ("http://localhost:3000", "https://localhost:3000"):
        answer = call(developer, "PATCH", f"/projects/{live.publishable_key}", {"redirectOrigins": [origin]})
        assert answer.status_code == 400


def test_all_bad_fields_of_a_change_are_named_at_once(developer: Developer, project: Tenant) -> None:
    body = {"name": "", "redirectOrigins": ["http://evil.example", "https://ok.example", "x"]}
    answer = call(developer, "PATCH", f"/projects/{project.publishable_key}", body)
    assert set(answer.json()["fields"]) == {"name", "redirectOrigins[0]", "redirectOrigins[2]"}
    assert call(developer, "PATCH", f"/projects/{project.publishable_key}", {}).status_code == 400


# Keys


def test_a_rotated_key_is_refused_within_the_bound_and_the_new_one_works_at_once(
    stack: Stack, developer: Developer, project: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    assert use(stack, project.secret_key) == 200
    rotated = rotate(developer, project)
    new_key = rotated["secretKey"]
    assert use(stack, new_key) == 200
    seconds = seconds_until_refused(stack, project.secret_key)
    with capsys.disabled():
        print(f"\n  a rotated key worked for another {seconds:.1f} s at a warm isolate (bound {WITHIN_SECONDS:.0f} s)")
    assert seconds < WITHIN_SECONDS
    assert use(stack, new_key) == 200
    assert keys.is_well_formed(new_key, "sk")
    assert keys.mode_of(new_key) == "test"
    (listed,) = call(developer, "GET", "/projects").json()["projects"]
    assert [key["id"] for key in listed["keys"]] == [rotated["keyId"]]
    assert [entry["action"] for entry in listed["audit"]] == ["key.rotated"]


def test_a_rotated_key_counts_nothing_from_that_moment_on(stack: Stack, developer: Developer, project: Tenant) -> None:
    assert count(stack, project.secret_key) == 200
    rotate(developer, project)
    assert count(stack, project.secret_key) == 401


def test_a_rotated_key_works_for_its_grace_time_and_no_longer(
    stack: Stack, developer: Developer, project: Tenant
) -> None:
    began = time.monotonic()
    first = rotate(developer, project, gracePeriodSeconds=3)
    assert use(stack, project.secret_key) == use(stack, first["secretKey"]) == 200
    (listed,) = call(developer, "GET", "/projects").json()["projects"]
    assert [(key["id"], key["status"]) for key in listed["keys"]] == [
        (first["keyId"], "active"),
        (project.secret_key_hash[:16], "grace"),
    ]
    while use(stack, project.secret_key) == 200:
        assert time.monotonic() - began < 3 + WITHIN_SECONDS
        time.sleep(0.1)
    assert time.monotonic() - began >= 2.9
    assert use(stack, first["secretKey"]) == 200


def test_a_later_rotation_never_lengthens_a_grace_time(stack: Stack, developer: Developer, project: Tenant) -> None:
    rotate(developer, project, gracePeriodSeconds=60)
    (before,) = stack.d1("SELECT expiresAt FROM api_keys WHERE secretKeyHash = ?1", project.secret_key_hash)
    second = rotate(developer, project, gracePeriodSeconds=3600)
    assert stack.d1("SELECT expiresAt FROM api_keys WHERE secretKeyHash = ?1", project.secret_key_hash) == [before]
    third = rotate(developer, project)
    seconds_until_refused(stack, project.secret_key)
    seconds_until_refused(stack, second["secretKey"])
    assert use(stack, third["secretKey"]) == 200


def test_a_repeated_rotation_with_the_same_idempotency_key_makes_one_new_key(
    stack: Stack, developer: Developer, project: Tenant
) -> None:
    body = {"publishableKey": project.publishable_key}
    answers = [
        call(
            developer, "POST", "/projects/rotate-key", body, **{"Idempotency-Key": f"rotate-{project.secret_key_hash}"}
        )
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert len(stack.d1("SELECT 1 FROM api_keys WHERE publishableKey = ?1", project.publishable_key)) == 2


def test_a_revoked_key_is_refused_within_the_bound_and_the_others_go_on(
    stack: Stack, developer: Developer, project: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    rotated = rotate(developer, project, gracePeriodSeconds=3600)
    assert use(stack, project.secret_key) == 200
    body = {"publishableKey": project.publishable_key, "keyId": project.secret_key_hash[:16]}
    answer = call(developer, "POST", "/projects/revoke-key", body)
    assert answer.status_code == 200, answer.text
    assert [key["id"] for key in answer.json()["revoked"]] == [project.secret_key_hash[:16]]
    seconds = seconds_until_refused(stack, project.secret_key)
    with capsys.disabled():
        print(f"\n  a revoked key worked for another {seconds:.1f} s at a warm isolate (bound {WITHIN_SECONDS:.0f} s)")
    assert seconds < WITHIN_SECONDS
    assert use(stack, rotated["secretKey"]) == 200
    assert call(developer, "POST", "/projects/revoke-key", body).status_code == 404


def test_all_keys_of_a_project_can_be_revoked_and_a_rotation_makes_a_new_one(
    stack: Stack, developer: Developer, project: Tenant
) -> None:
    rotated = rotate(developer, project, gracePeriodSeconds=3600)
    answer = call(developer, "POST", "/projects/revoke-key", {"publishableKey": project.publishable_key})
    assert len(answer.json()["revoked"]) == 2
    seconds_until_refused(stack, project.secret_key)
    seconds_until_refused(stack, rotated["secretKey"])
    assert call(developer, "GET", "/get-credentials").json()["testSecretKey"] is None
    assert use(stack, rotate(developer, project)["secretKey"]) == 200


def test_the_key_in_use_can_be_shown_again_and_never_an_older_one(developer: Developer, project: Tenant) -> None:
    for _ in range(2):
        rotated = rotate(developer, project)
        for _ in range(2):
            shown = call(developer, "GET", "/get-credentials").json()
            assert shown["testSecretKey"] == rotated["secretKey"]
            assert shown["testPublishableKey"] == shown["publishableKey"] == project.publishable_key
            assert [product["tier"] for product in shown["testProducts"]] == ["free", "pro", "unlimited"]


@pytest.mark.parametrize("grace", [-1, 604801, 1.5, "60", True, None])
def test_a_grace_time_is_whole_seconds_up_to_a_week(developer: Developer, project: Tenant, grace: object) -> None:
    body = {"publishableKey": "pk_test_x", "gracePeriodSeconds": grace}
    answer = call(developer, "POST", "/projects/rotate-key", body)
    assert set(answer.json()["fields"]) == {"publishableKey", "gracePeriodSeconds"}


# Deleting


@pytest.fixture
def saas(stack: Stack, stripe: StripeControls, developer: Developer) -> Saas:
    platform = (developer.platform_id, developer.user_id)
    return make_saas(stack, stripe, platform=platform, account=developer.accounts["test"])


def test_a_deleted_project_leaves_nothing_behind(
    stack: Stack, stripe: StripeControls, developer: Developer, saas: Saas, api: httpx.Client
) -> None:
    tenant = saas.tenant
    session = api.post("/api/create-checkout", json={"tier": "pro"}, headers=tenant.headers("user_subscribed")).json()
    subscription_id = stripe.pay(session["sessionId"])["subscription"]
    open_session = api.post("/api/create-checkout", json={"tier": "pro"}, headers=tenant.headers("user_buying")).json()
    stripe.drained()
    image = b"\x89PNG\r\n\x1a\n" + tenant.publishable_key.encode()
    headers = {"Authorization": f"Bearer {developer.token}"}
    files = {"file": ("a.png", image, "image/png")}
    uploaded = httpx.post(f"{stack.url(WORKER)}/upload-asset", headers=headers, files=files).json()
    stack.d1(
        "UPDATE tiers SET imageUrl = ?2 WHERE publishableKey = ?1 AND name = 'pro'",
        tenant.publishable_key,
        uploaded["url"],
    )
    assert httpx.get(uploaded["url"]).status_code == 200
    assert count(stack, tenant.secret_key) == 200

    answer = call(developer, "DELETE", f"/projects/{tenant.publishable_key}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["deleted"]["publishableKey"] == tenant.publishable_key
    assert count(stack, tenant.secret_key) == 401
    assert seconds_until_refused(stack, tenant.secret_key) < WITHIN_SECONDS
    for table in ("projects", "api_keys", "tiers", "end_users", "subscriptions", "usage_counts", "project_totals"):
        assert stack.d1(f"SELECT 1 FROM {table} WHERE publishableKey = ?1", tenant.publishable_key) == [], table
    stack.run_scheduled(WORKER)
    stripe.drained()
    for product_id in saas.products.values():
        assert stripe.api("GET", f"products/{product_id}", saas.account)["active"] is False
    assert stripe.api("GET", f"subscriptions/{subscription_id}", saas.account)["status"] == "canceled"
    assert stripe.api("GET", f"checkout/sessions/{open_session['sessionId']}", saas.account)["status"] == "expired"
    assert httpx.get(uploaded["url"]).status_code == 404
    assert call(developer, "DELETE", f"/projects/{tenant.publishable_key}").status_code == 404
    assert call(developer, "GET", "/projects").json()["projects"] == []


def test_what_stripe_does_not_take_at_deletion_is_owed_until_it_does(
    stack: Stack, stripe: StripeControls, developer: Developer, saas: Saas
) -> None:
    owed = "SELECT lastError FROM outbox WHERE kind = 'archive_product' AND subject = ?1"
    stripe.control("faults", {"method": "POST", "path": "/v1/products/*", "times": 50, "status": 503})
    try:
        assert call(developer, "DELETE", f"/projects/{saas.tenant.publishable_key}").status_code == 200
        for product_id in saas.products.values():
            wait_until(lambda product_id=product_id: bool(stack.d1(owed, product_id)[0]["lastError"]))
    finally:
        stripe.clear("faults")
    for product_id in saas.products.values():
        stack.d1("UPDATE outbox SET nextAttemptAt = createdAt WHERE subject = ?1", product_id)
    stack.run_scheduled(WORKER)
    for product_id in saas.products.values():
        assert stripe.api("GET", f"products/{product_id}", saas.account)["active"] is False
        assert stack.d1(owed, product_id) == []


# Killed half-way


def test_a_rotation_revocation_or_deletion_that_was_killed_is_complete_or_can_be_repeated(
    stack: Stack, stripe: StripeControls
) -> None:
    developers = [make_developer(stack, stripe) for _ in range(3)]
    rotating, revoking, deleting = (
        make_saas(
            stack,
            stripe,
            platform=(developer.platform_id, developer.user_id),
            account=developer.accounts["test"],
        )
        for developer in developers
    )
    for saas in (rotating, revoking, deleting):
        assert count(stack, saas.tenant.secret_key) == 200
    body = {"publishableKey": rotating.tenant.publishable_key}
    its_body = {"publishableKey": revoking.tenant.publishable_key}
    kill_during(
        stack,
        WORKER,
        [
            ("rotate-key:committed", lambda: call(developers[0], "POST", "/projects/rotate-key", body)),
            ("revoke-key:committed", lambda: call(developers[1], "POST", "/projects/revoke-key", its_body)),
            (
                "delete-project:committed",
                lambda: call(developers[2], "DELETE", f"/projects/{deleting.tenant.publishable_key}"),
            ),
        ],
    )
    for saas in (rotating, revoking, deleting):
        assert count(stack, saas.tenant.secret_key) == 401
    rotated = rotate(developers[0], rotating.tenant)
    working = "SELECT secretKeyHash FROM api_keys WHERE publishableKey = ?1 AND status = 'active'"
    (current,) = stack.d1(working, rotating.tenant.publishable_key)
    assert current["secretKeyHash"] == keys.hash_secret(rotated["secretKey"])
    assert count(stack, rotated["secretKey"]) == 200
    assert call(developers[1], "POST", "/projects/revoke-key", its_body).json()["revoked"] == []
    assert call(developers[2], "DELETE", f"/projects/{deleting.tenant.publishable_key}").status_code == 404
    stack.run_scheduled(WORKER)
    for product_id in deleting.products.values():
        assert stripe.api("GET", f"products/{product_id}", deleting.account)["active"] is False


# Others' projects


def test_another_developers_project_answers_exactly_like_a_missing_one(
    stack: Stack, stripe: StripeControls, developer: Developer, project: Tenant
) -> None:
    stranger = make_developer(stack, stripe, connected=())
    missing = keys.make_key("pk", "test", lambda size: b"\x07" * size)
    attempts: list[tuple[str, str, dict[str, Any] | None]] = [
        ("PATCH", "/projects/{pk}", {"name": "Mine now"}),
        ("DELETE", "/projects/{pk}", None),
        ("POST", "/projects/rotate-key", {"publishableKey": "{pk}"}),
        ("POST", "/projects/revoke-key", {"publishableKey": "{pk}"}),
        ("POST", "/projects/revoke-key", {"publishableKey": "{pk}", "keyId": project.secret_key_hash[:16]}),
        ("GET", "/get-credentials?publishableKey={pk}", None),
    ]

    def attempt(publishable_key: str, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, Any]:
        sent = body and {name: publishable_key if value == "{pk}" else value for name, value in body.items()}
        answer = call(stranger, method, path.replace("{pk}", publishable_key), sent)
        return answer.status_code, {name: text for name, text in answer.json().items() if name != "requestId"}

    before = stack.d1(
        "SELECT * FROM projects p JOIN api_keys k USING (publishableKey) WHERE p.platformId = ?1", developer.platform_id
    )
    for each in attempts:
        others, none = attempt(project.publishable_key, *each), attempt(missing, *each)
        assert others == none
        assert others[0] == 404
    assert call(stranger, "GET", "/projects").json()["projects"] == []
    after = stack.d1(
        "SELECT * FROM projects p JOIN api_keys k USING (publishableKey) WHERE p.platformId = ?1", developer.platform_id
    )
    assert after == before
    assert use(stack, project.secret_key) == 200
