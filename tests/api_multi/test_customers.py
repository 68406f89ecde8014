"""`/api/customers`: the developer's backend manages its end users, and nobody else's. Clerk plays its part."""

from __future__ import annotations

import itertools
from typing import Any

import httpx
import pytest

from tests.support.outbox import settled
from tests.support.stack import Stack
from tests.support.stripe_accounts import Saas, StripeControls, make_saas
from tests.support.tenants import make_platform

_numbers = itertools.count(1)


@pytest.fixture
def clerk(stack: Stack) -> httpx.Client:
    return stack.http("clerk")


@pytest.fixture
def email() -> str:
    return f"customer{next(_numbers)}@example.com"


def create(api: httpx.Client, saas: Saas, email: str, **more: Any) -> dict[str, Any]:
    answer = api.post("/api/customers", json={"email": email, **more}, headers=saas.tenant.headers())
    assert answer.status_code == 201, answer.text
    assert answer.json()["success"] is True
    return answer.json()["customer"]


def clerk_user(stack: Stack, clerk: httpx.Client, user_id: str) -> dict[str, Any] | None:
    answer = clerk.get(
        f"/v1/users/{user_id}",
        headers={"Authorization": f"Bearer {stack.state['clerkSecretKeys']['endUsersTest']}"},
    )
    return answer.json() if answer.is_success else None


def test_a_created_customer_can_be_read_listed_and_signs_in_at_clerk(
    stack: Stack, api: httpx.Client, clerk: httpx.Client, saas: Saas, email: str
) -> None:
    made = create(api, saas, email, firstName="Ada", lastName="Lovelace", password="correct horse 1", plan="Pro Plan")
    key = saas.tenant.publishable_key
    assert {**made, "id": "", "createdAt": ""} == {
        "id": "", "email": email, "firstName": "Ada", "lastName": "Lovelace", "plan": "pro", "publishableKey": key, "createdAt": "",
    }  # fmt: skip
    read = api.get(f"/api/customers/{made['id']}", headers=saas.tenant.headers())
    assert read.json() == {"customer": made}
    listed = api.get("/api/customers", params={"email": email.upper()}, headers=saas.tenant.headers()).json()
    assert listed == {"customers": [made], "nextCursor": None}
    user = clerk_user(stack, clerk, made["id"])
    assert user is not None
    assert user["public_metadata"] == {"publishableKey": key, "plan": "pro"}
    assert user["password_enabled"]
    assert api.get("/api/usage", headers=saas.tenant.headers(made["id"])).json()["plan"] == "pro"


def test_an_address_is_one_customer(api: httpx.Client, saas: Saas, other: Saas, email: str) -> None:
    create(api, saas, email)
    for project in (saas, other):
        again = api.post("/api/customers", json={"email": email}, headers=project.tenant.headers())
        assert (again.status_code, again.json()["code"]) == (409, "customer_exists")


def test_a_clerk_user_of_no_project_is_not_taken_over_by_an_address(
    stack: Stack, api: httpx.Client, clerk: httpx.Client, saas: Saas, email: str
) -> None:
    user = clerk.post("/_devstack/users", json={"instance": "endUsersTest", "email": email}).json()
    refused = api.post("/api/customers", json={"email": email}, headers=saas.tenant.headers())
    assert (refused.status_code, refused.json()["code"]) == (409, "customer_exists")
    settled(stack, user["id"])
    found = clerk_user(stack, clerk, user["id"])
    assert found is not None
    assert found["public_metadata"] == {}
    assert stack.d1("SELECT * FROM end_users WHERE clerkUserId = ?1", user["id"]) == []


def test_a_customer_that_was_made_at_clerk_only_is_finished_by_a_retry(
    stack: Stack, api: httpx.Client, saas: Saas, email: str
) -> None:
    made = create(api, saas, email)
    stack.d1("DELETE FROM end_users WHERE clerkUserId = ?1", made["id"])
    assert create(api, saas, email)["id"] == made["id"]


def test_an_idempotency_key_makes_one_customer(api: httpx.Client, saas: Saas, email: str) -> None:
    headers = saas.tenant.headers(**{"Idempotency-Key": f"make-{email}"})
    first = api.post("/api/customers", json={"email": email}, headers=headers)
    again = api.post("/api/customers", json={"email": email}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"


def test_all_bad_fields_are_named_at_once(api: httpx.Client, saas: Saas) -> None:
    body = {"email": "nobody", "firstName": "", "lastName": 7, "password": "short", "plan": []}
    answer = api.post("/api/customers", json=body, headers=saas.tenant.headers())
    assert answer.status_code == 400
    assert set(answer.json()["fields"]) == set(body)
    unknown = api.post("/api/customers", json={"email": "a@b.example", "plan": "gold"}, headers=saas.tenant.headers())
    assert (unknown.status_code, unknown.json()["code"]) == (400, "unknown_plan")
    breached = {"email": "a@b.example", "password": "password123"}
    refused = api.post("/api/customers", json=breached, headers=saas.tenant.headers())
    assert refused.status_code == 422, refused.text
    assert set(refused.json()["fields"]) == {"password"}


def test_a_change_of_plan_keeps_the_count(api: httpx.Client, saas: Saas, email: str) -> None:
    made = create(api, saas, email)
    headers = saas.tenant.headers(made["id"])
    for _ in range(2):
        assert api.post("/api/data", headers=headers).status_code == 200
    path = f"/api/customers/{made['id']}"
    changed = api.patch(path, json={"plan": "starter", "firstName": "Grace"}, headers=saas.tenant.headers())
    assert changed.status_code == 200, changed.text
    assert changed.json() == {"success": True, "customer": {**made, "plan": "starter", "firstName": "Grace"}}
    usage = api.get("/api/usage", headers=headers).json()
    assert (usage["plan"], usage["usageCount"], usage["limit"]) == ("starter", 2, 10)
    back = api.patch(path, json={"plan": None}, headers=saas.tenant.headers())
    assert back.json()["customer"]["plan"] == "free"
    for body, code in (({}, "invalid_fields"), ({"plan": "gold"}, "unknown_plan"), ({"plan": 3}, "invalid_fields")):
        refused = api.patch(path, json=body, headers=saas.tenant.headers())
        assert (refused.status_code, refused.json()["code"]) == (400, code)


def test_a_deleted_customer_is_gone_everywhere_and_pays_no_more(
    stack: Stack, stripe: StripeControls, api: httpx.Client, clerk: httpx.Client, saas: Saas, email: str
) -> None:
    made = create(api, saas, email)
    headers = saas.tenant.headers(made["id"])
    assert api.post("/api/data", headers=headers).status_code == 200
    session = api.post("/api/create-checkout", json={"tier": "pro"}, headers=headers).json()["sessionId"]
    subscription = stripe.pay(session)["subscription"]
    stripe.drained()
    gone = api.delete(f"/api/customers/{made['id']}", headers=saas.tenant.headers())
    assert gone.status_code == 200, gone.text
    assert gone.json()["success"] is True
    assert gone.json()["deleted"] == {"id": made["id"], "email": email}
    settled(stack, made["id"])
    settled(stack, subscription)
    assert stripe.api("GET", f"subscriptions/{subscription}", saas.account)["status"] == "canceled"
    assert clerk_user(stack, clerk, made["id"]) is None
    for table, column in (("end_users", "clerkUserId"), ("subscriptions", "userId"), ("usage_counts", "userId")):
        assert stack.d1(f"SELECT * FROM {table} WHERE {column} = ?1", made["id"]) == []
    assert api.get(f"/api/customers/{made['id']}", headers=saas.tenant.headers()).status_code == 404
    assert api.delete(f"/api/customers/{made['id']}", headers=saas.tenant.headers()).status_code == 404


def test_another_projects_customer_is_like_none(
    stack: Stack, api: httpx.Client, clerk: httpx.Client, saas: Saas, other: Saas, email: str
) -> None:
    made = create(api, saas, email)
    path, stranger = f"/api/customers/{made['id']}", other.tenant.headers()
    missing = api.get("/api/customers/user_nobody", headers=stranger).json()
    for answer in (
        api.get(path, headers=stranger),
        api.patch(path, json={"plan": "pro"}, headers=stranger),
        api.delete(path, headers=stranger),
    ):
        assert answer.status_code == 404
        assert {**answer.json(), "requestId": ""} == {**missing, "requestId": ""}
    assert api.get("/api/customers", params={"email": email}, headers=stranger).json()["customers"] == []
    assert api.get(path, headers=saas.tenant.headers()).json() == {"customer": made}


def test_a_backend_that_names_anothers_user_never_touches_them_at_clerk(
    stack: Stack, api: httpx.Client, clerk: httpx.Client, saas: Saas, other: Saas, email: str
) -> None:
    """A secret key may count calls of any user id; what Clerk has of that user stays their own project's."""
    made = create(api, saas, email, firstName="Ada")
    settled(stack, made["id"])
    before = clerk_user(stack, clerk, made["id"])
    assert before is not None
    assert api.post("/api/data", headers=other.tenant.headers(made["id"])).status_code == 200
    path, stranger = f"/api/customers/{made['id']}", other.tenant.headers()
    assert api.patch(path, json={"plan": "pro", "firstName": "Eve"}, headers=stranger).status_code == 200
    assert api.delete(path, headers=stranger).status_code == 200
    settled(stack, made["id"])
    after = clerk_user(stack, clerk, made["id"])
    assert after is not None
    assert (after["first_name"], after["public_metadata"]) == (before["first_name"], before["public_metadata"])
    assert api.get(path, headers=saas.tenant.headers()).json() == {"customer": made}


def test_pages_have_every_customer_once(stack: Stack, api: httpx.Client, stripe: StripeControls) -> None:
    project = make_saas(stack, stripe, platform=make_platform(stack))
    key = project.tenant.publishable_key
    for number in range(7):
        stack.d1(
            "INSERT INTO end_users (publishableKey, clerkUserId, email, plan, createdAt, updatedAt)"
            " VALUES (?1, ?2, ?3, ?4, '2026-01-0' || ?5 || 'T00:00:00.000Z', '2026-01-01T00:00:00.000Z')",
            key,
            f"user_page_{number}",
            f"page{number}@example.com",
            "pro" if number % 2 else None,
            number // 2 + 1,
        )

    def pages(**query: str) -> list[str]:
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            params = {"limit": "2", **query, **({"cursor": cursor} if cursor else {})}
            answer = api.get("/api/customers", params=params, headers=project.tenant.headers())
            assert answer.status_code == 200, answer.text
            found += [each["id"] for each in answer.json()["customers"]]
            cursor = answer.json()["nextCursor"]
        return found

    assert pages() == [f"user_page_{number}" for number in reversed(range(7))]
    assert pages(plan="Pro Plan") == [f"user_page_{number}" for number in (5, 3, 1)]
    assert pages(plan="free") == [f"user_page_{number}" for number in (6, 4, 2, 0)]
    assert pages(search="page") == [f"user_page_{number}" for number in range(7)]
    assert pages(search="user_page_3") == ["user_page_3"]
    assert pages(email="page4@example.com") == ["user_page_4"]
    for query in ({"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"cursor": "!"}, {"email": "x"}):
        assert api.get("/api/customers", params=query, headers=project.tenant.headers()).status_code == 400
