"""`GET /get-credentials`: the current keys of a developer's projects."""

from __future__ import annotations

import pytest

from tests.support.developers import Developer
from tests.support.promotions import SAAS, make_project, promoted
from tests.support.stack import Stack
from tests.support.stripe_accounts import StripeControls
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


def test_a_named_project_is_shown_with_its_live_or_test_project(stack: Stack, stripe: StripeControls) -> None:
    developer, test_key = make_project(stack, stripe)
    live_key = promoted(developer, test_key)["publishableKey"]
    other = developer.post("/create-products", {**SAAS, "projectName": "Newer"}).json()["publishableKey"]
    for named in (test_key, live_key):
        shown = developer.front_auth("GET", f"/get-credentials?publishableKey={named}").json()
        assert (shown["testPublishableKey"], shown["livePublishableKey"]) == (test_key, live_key)
    newest = developer.front_auth("GET", "/get-credentials").json()
    assert (newest["testPublishableKey"], newest["livePublishableKey"]) == (other, live_key)
    alone = developer.front_auth("GET", f"/get-credentials?publishableKey={other}").json()
    assert (alone["publishableKey"], alone["livePublishableKey"], alone["liveSecretKey"]) == (other, None, None)


def test_a_key_that_cannot_be_decrypted_is_not_shown_and_the_log_says_so(
    developer: Developer, project: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tenants of tests have keys that were encrypted elsewhere."""
    shown = developer.front_auth("GET", "/get-credentials").json()
    assert (shown["testPublishableKey"], shown["testSecretKey"]) == (project.publishable_key, None)
    errors = [line for line in capsys.readouterr().out.splitlines() if '"level": "error"' in line]
    assert any("secret key" in line for line in errors), errors
