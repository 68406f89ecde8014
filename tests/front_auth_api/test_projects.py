"""`/projects`: listed and changed by their developer, and hidden from every other one."""

from __future__ import annotations

from typing import Any

import pytest

from dream.domain import keys
from tests.support.developers import Developer, make_developer
from tests.support.stack import Stack
from tests.support.stripe_accounts import StripeControls
from tests.support.tenants import Tenant, make_tenant


def test_a_project_is_listed_with_its_tiers_masked_keys_origins_and_audit_log(
    stack: Stack, developer: Developer, project: Tenant
) -> None:
    (listed,) = developer.front_auth("GET", "/projects").json()["projects"]
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


def test_a_changed_name_and_changed_origins_are_in_the_audit_log(
    stack: Stack, developer: Developer, project: Tenant
) -> None:
    origins = ["https://app.example.com", "http://localhost:3000", "https://xn--bcher-kva.example:8443"]
    answer = developer.front_auth(
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
    answer = developer.front_auth("PATCH", f"/projects/{project.publishable_key}", {"redirectOrigins": []})
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
def test_an_origin_is_refused_unless_it_is_exactly_an_https_origin_or_localhost(
    stack: Stack, developer: Developer, project: Tenant, origin: object
) -> None:
    answer = developer.front_auth("PATCH", f"/projects/{project.publishable_key}", {"redirectOrigins": [origin]})
    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == ["redirectOrigins[0]"]
    assert stack.d1("SELECT * FROM redirect_origins WHERE publishableKey = ?1", project.publishable_key) == []


def test_a_live_project_never_redirects_to_localhost(stack: Stack, developer: Developer) -> None:
    live = make_tenant(stack, mode="live", platform=(developer.platform_id, developer.user_id))
    for origin in ("http://localhost:3000", "https://localhost:3000"):
        answer = developer.front_auth("PATCH", f"/projects/{live.publishable_key}", {"redirectOrigins": [origin]})
        assert answer.status_code == 400


def test_one_answer_names_all_bad_fields_of_a_change(developer: Developer, project: Tenant) -> None:
    body = {"name": "", "redirectOrigins": ["http://evil.example", "https://ok.example", "x"]}
    answer = developer.front_auth("PATCH", f"/projects/{project.publishable_key}", body)
    assert set(answer.json()["fields"]) == {"name", "redirectOrigins[0]", "redirectOrigins[2]"}
    assert developer.front_auth("PATCH", f"/projects/{project.publishable_key}", {}).status_code == 400


def test_another_developers_project_gets_the_answer_of_a_missing_one(
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
        answer = stranger.front_auth(method, path.replace("{pk}", publishable_key), sent)
        return answer.status_code, {name: text for name, text in answer.json().items() if name != "requestId"}

    before = stack.d1(
        "SELECT * FROM projects p JOIN api_keys k USING (publishableKey) WHERE p.platformId = ?1", developer.platform_id
    )
    for each in attempts:
        others, none = attempt(project.publishable_key, *each), attempt(missing, *each)
        assert others == none
        assert others[0] == 404
    assert stranger.front_auth("GET", "/projects").json()["projects"] == []
    after = stack.d1(
        "SELECT * FROM projects p JOIN api_keys k USING (publishableKey) WHERE p.platformId = ?1", developer.platform_id
    )
    assert after == before
    headers = {"Authorization": f"Bearer {project.secret_key}"}
    assert stack.http("api-multi").get("/api/tiers", headers=headers).status_code == 200


@pytest.mark.parametrize("origins", ["https://app.example.com", {}, 7, [f"https://a{n}.example" for n in range(51)]])
def test_origins_are_a_list_of_limited_length(developer: Developer, project: Tenant, origins: object) -> None:
    answer = developer.front_auth("PATCH", f"/projects/{project.publishable_key}", {"redirectOrigins": origins})
    assert (answer.status_code, set(answer.json()["fields"])) == (400, {"redirectOrigins"})
