"""`GET /get-credentials`: the current keys of a developer's projects."""

from __future__ import annotations

from tests.support.developers import Developer
from tests.support.tenants import Tenant


def test_a_developer_without_a_project_has_no_credentials_yet(developer: Developer) -> None:
    answer = developer.front_auth("GET", "/get-credentials")
    assert answer.status_code == 200
    assert answer.json() == {
        "platformId": developer.platform_id,
        "publishableKey": None,
        "testPublishableKey": None,
        "testSecretKey": None,
        "livePublishableKey": None,
        "liveSecretKey": None,
        "testProducts": [],
        "liveProducts": [],
    }


def test_the_current_key_can_be_shown_again_and_an_older_one_never(developer: Developer, project: Tenant) -> None:
    for _ in range(2):
        rotated = developer.front_auth(
            "POST", "/projects/rotate-key", {"publishableKey": project.publishable_key}
        ).json()
        for _ in range(2):
            shown = developer.front_auth("GET", "/get-credentials").json()
            assert shown["testSecretKey"] == rotated["secretKey"]
            assert shown["testPublishableKey"] == shown["publishableKey"] == project.publishable_key
            assert [product["tier"] for product in shown["testProducts"]] == ["free", "pro", "unlimited"]
