"""DIFFERENCES.md of the Clerk stand-in is true: each difference is demonstrated, and each list equals the code."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from devstack.clerk import coverage
from devstack.clerk.config import DEFAULT_RETRY_SECONDS

DOCUMENT = (Path(coverage.__file__).parent / "DIFFERENCES.md").read_text()
DAY = 86_400


@dataclass(frozen=True)
class Scene:
    """The stand-in, the receiver of its webhooks, and the Backend API of the end users' test instance."""

    clerk: Any
    receiver: Any
    users: httpx.Client
    new_email: Callable[[], str]

    def create_user(self, **fields: Any) -> httpx.Response:
        body = {"email_address": [self.new_email()], "skip_password_requirement": True, **fields}
        return self.users.post("/users", json=body)

    def events(self) -> list[tuple[str, str]]:
        """Type and id of each event that the receiver got."""
        assert self.clerk.control("POST", "webhooks/wait-idle", timeoutSeconds=15) == {"idle": True}
        return [(item.event["type"], item.event["data"]["id"]) for item in self.receiver.received]

    def frontend(self, method: str, path: str, **form: str) -> httpx.Response:
        """A call of a new browser to the Frontend API of the end users' test instance."""
        issuer = self.clerk.issuer("endUsersTest")
        browser = httpx.post(f"{issuer}/v1/dev_browser").json()["token"]
        return httpx.request(method, f"{issuer}{path}", params={"__clerk_db_jwt": browser}, data=form or None)


def email_addresses_are_verified_at_once(scene: Scene) -> None:
    answer = scene.frontend(
        "POST", "/v1/client/sign_ups", email_address=scene.new_email(), password="analytical-engine-7"
    )
    attempt = answer.json()["response"]
    assert (attempt["status"], attempt["unverified_fields"]) == ("complete", [])
    assert not [kind for kind, _ in scene.events() if kind.startswith("email.")]


def passwords_and_tickets_only(scene: Scene) -> None:
    user = scene.create_user().json()
    address = user["email_addresses"][0]["email_address"]
    attempt = scene.frontend("POST", "/v1/client/sign_ins", identifier=address).json()["response"]
    assert [factor["strategy"] for factor in attempt["supported_first_factors"]] == ["password", "ticket"]
    assert attempt["supported_second_factors"] is None


def one_email_address_per_user(scene: Scene) -> None:
    user = scene.create_user().json()
    added = {"user_id": user["id"], "email_address": scene.new_email()}
    assert scene.users.post("/email_addresses", json=added).status_code == 404


def no_organizations_and_no_billing(scene: Scene) -> None:
    assert scene.users.get("/organizations").status_code == scene.users.get("/commerce/plans").status_code == 404
    environment = scene.frontend("GET", "/v1/environment").json()
    assert environment["organization_settings"]["enabled"] is False
    assert environment["commerce_settings"]["billing"]["user"]["enabled"] is False


def any_version_but_the_newest_accepts_metadata_in_updates(scene: Scene) -> None:
    path, change = f"/users/{scene.create_user().json()['id']}", {"public_metadata": {"plan": "pro"}}
    statuses = [
        scene.users.patch(path, json=change, headers={"Clerk-API-Version": version}).status_code
        for version in ("2021-02-05", "2025-11-10", "2026-05-12")
    ]
    assert statuses == [200, 200, 422]


def no_rate_limit(scene: Scene) -> None:
    assert {scene.users.get("/users/count").status_code for _ in range(60)} == {200}
    scene.clerk.control("POST", "faults", path="/v1/users/count", status=429)
    assert scene.users.get("/users/count").status_code == 429


def development_instances_have_no_user_limit(scene: Scene) -> None:
    assert {scene.create_user().status_code for _ in range(101)} == {200}


def a_few_passwords_are_breached(scene: Scene) -> None:
    breached = scene.create_user(password="password123")
    assert breached.json()["errors"][0]["code"] == "form_password_pwned"
    assert scene.create_user(password="letmein123").status_code == 200


def retries_end_within_minutes(scene: Scene) -> None:
    assert len(DEFAULT_RETRY_SECONDS) == 6
    assert 12 * 60 < sum(DEFAULT_RETRY_SECONDS) < 13 * 60


def one_endpoint_gets_every_event(scene: Scene) -> None:
    user = scene.create_user().json()
    session = scene.users.post("/sessions", json={"user_id": user["id"]}).json()
    assert {("user.created", user["id"]), ("session.created", session["id"])} <= set(scene.events())
    assert {item.path for item in scene.receiver.received if item.event["data"]["id"] == user["id"]} == {
        "/end-users-test"
    }


def a_sign_in_alone_updates_no_user(scene: Scene) -> None:
    user = scene.create_user().json()
    scene.users.post("/sessions", json={"user_id": user["id"]})
    assert ("user.updated", user["id"]) not in scene.events()


def tokens_for_servers_have_no_azp(scene: Scene) -> None:
    session = scene.users.post("/sessions", json={"user_id": scene.create_user().json()["id"]}).json()
    token = scene.users.post(f"/sessions/{session['id']}/tokens").json()["jwt"]
    assert "azp" not in jwt.decode(token, options={"verify_signature": False})


def sessions_end_after_seven_days(scene: Scene) -> None:
    session = scene.users.post("/sessions", json={"user_id": scene.create_user().json()["id"]}).json()

    def status_after(seconds: float) -> str:
        scene.clerk.control("POST", "clock", offsetSeconds=seconds)
        return scene.users.get(f"/sessions/{session['id']}").json()["status"]

    assert [status_after(6.9 * DAY), status_after(7.1 * DAY)] == ["active", "expired"]


def a_refused_redirect_is_shown(scene: Scene) -> None:
    page = httpx.get(f"{scene.clerk.issuer('endUsersTest')}/sign-up?redirect_url=https://elsewhere.example/")
    assert 'id="redirect-refused"' in page.text


def the_portal_has_a_cookie_of_its_own(scene: Scene) -> None:
    page = httpx.get(f"{scene.clerk.issuer('endUsersTest')}/sign-up")
    assert list(page.cookies) == ["__portal_db_jwt"]


DEMONSTRATIONS: list[Callable[[Scene], None]] = [
    email_addresses_are_verified_at_once,
    passwords_and_tickets_only,
    one_email_address_per_user,
    no_organizations_and_no_billing,
    any_version_but_the_newest_accepts_metadata_in_updates,
    no_rate_limit,
    development_instances_have_no_user_limit,
    a_few_passwords_are_breached,
    retries_end_within_minutes,
    one_endpoint_gets_every_event,
    a_sign_in_alone_updates_no_user,
    tokens_for_servers_have_no_azp,
    sessions_end_after_seven_days,
    a_refused_redirect_is_shown,
    the_portal_has_a_cookie_of_its_own,
]


@pytest.mark.parametrize("demonstration", DEMONSTRATIONS, ids=lambda one: one.__name__)
def test_a_known_difference_is_as_described(
    clerk: Any,
    receiver: Any,
    users: httpx.Client,
    new_email: Callable[[], str],
    demonstration: Callable[[Scene], None],
) -> None:
    demonstration(Scene(clerk, receiver, users, new_email))


def test_the_document_names_exactly_the_demonstrated_differences() -> None:
    headings = re.findall(r"^### (\S+)$", DOCUMENT, re.MULTILINE)
    assert headings == [one.__name__.replace("_", "-") for one in DEMONSTRATIONS]


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Endpoints of the Backend API", coverage.backend_endpoints()),
        ("Endpoints of the Frontend API", coverage.frontend_endpoints()),
        ("Parameters without effect", coverage.ignored_parameters()),
    ],
)
def test_each_list_of_the_document_equals_the_code(title: str, expected: str) -> None:
    section = DOCUMENT.partition(f"## {title}\n")[2].partition("\n## ")[0]
    assert section.rstrip().endswith("\n\n" + expected)
