"""Guarantee: no tenant reads, changes or deletes another's anything at api-multi, and test never touches live. In workerd."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from devstack.stack import Stack
from dream.domain.keys import Mode
from tests.support.clerk_controls import ClerkControls
from tests.support.developers import developer_token
from tests.support.tenants import Tenant, make_platform, make_tenant

ROUTES = Path(__file__).resolve().parents[2] / "workers" / "api-multi" / "src" / "routes.py"
MARK = "victims-own"
BODIES: dict[str, Any] = {
    "/api/data": {"quantity": 1},
    "/api/create-checkout": {"tier": "pro"},
    "/api/cart/checkout": {"items": [{"tier": "mug", "quantity": 1}]},
    "/api/customers": {"email": "isolation@example.com", "password": "correct horse battery"},
    "/api/customers/:id": {"plan": "pro"},
    "/api/assets": {"data": "bm90IGFuIGltYWdl"},
}


@dataclass(frozen=True)
class Victim:
    """A project with something in every table that routes read, and the ids by which a stranger may name it."""

    tenant: Tenant
    user_id: str
    order_id: str

    def snapshot(self, stack: Stack) -> str:
        """All rows of the project that a request may change."""
        found: dict[str, Any] = {}
        for table in ("end_users", "subscriptions", "usage_counts", "tiers", "orders", "order_items", "api_keys"):
            columns = "status, secretKeyHash" if table == "api_keys" else "*"
            query = f"SELECT {columns} FROM {table} WHERE publishableKey = ?1"
            found[table] = stack.d1(query, self.tenant.publishable_key)
        return json.dumps(found, sort_keys=True)


@dataclass(frozen=True)
class World:
    """Two developers; the first has the victim, one more test project and a live one."""

    victim: Victim
    strangers: dict[str, Tenant]
    other_developer_token: str


def make_victim(stack: Stack, tenant: Tenant) -> Victim:
    user_id, order_id = f"user_{MARK}", f"order_{MARK}_{tenant.publishable_key[-6:]}"
    key = tenant.publishable_key
    now = "2026-11-01T00:00:00.000Z"
    stack.d1(
        "INSERT INTO end_users (publishableKey, clerkUserId, email, plan, createdAt, updatedAt) VALUES (?1, ?2, ?3, 'pro', ?4, ?4)",
        key,
        user_id,
        f"{MARK}@example.com",
        now,
    )
    stack.d1(
        "INSERT INTO orders (orderId, publishableKey, email, status, currency, amountTotal, expiresAt, createdAt, updatedAt)"
        " VALUES (?1, ?2, ?3, 'paid', 'usd', 1200, ?4, ?4, ?4)",
        order_id,
        key,
        f"{MARK}@example.com",
        now,
    )
    return Victim(tenant, user_id, order_id)


@pytest.fixture(scope="module")
def world(stack: Stack) -> World:
    first, second = make_platform(stack), make_platform(stack)
    return World(
        make_victim(stack, make_tenant(stack, platform=first)),
        {
            "same developer": make_tenant(stack, platform=first),
            "same developer, live": make_tenant(stack, platform=first, mode="live"),
            "other developer": make_tenant(stack, platform=second),
        },
        developer_token(stack, second[1]),
    )


@pytest.fixture
def clerk(stack: Stack) -> Iterator[ClerkControls]:
    controls = ClerkControls(stack)
    yield controls
    controls.close()


def routes() -> list[tuple[str, str]]:
    """Every route of api-multi but health, webhooks and public images."""
    found: list[tuple[str, str]] = []
    for node in ast.walk(ast.parse(ROUTES.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Route":
            method, path = (argument.value for argument in node.args[:2] if isinstance(argument, ast.Constant))
            if path not in ("/health", "/webhook/stripe", "/api/assets/:key"):
                found.append((str(method), str(path)))
    return found


@pytest.mark.parametrize(("method", "path"), routes())
@pytest.mark.parametrize("stranger", ["same developer", "same developer, live", "other developer"])
def test_a_secret_key_of_another_project_reaches_nothing(
    stack: Stack, api: httpx.Client, world: World, stranger: str, method: str, path: str
) -> None:
    victim, tenant = world.victim, world.strangers[stranger]
    before = victim.snapshot(stack)
    named = victim.order_id if "orders" in path else victim.user_id
    answer = api.request(
        method,
        re.sub(r":\w+", named, path),
        headers=tenant.headers("user_of_the_stranger"),
        params={"publishableKey": victim.tenant.publishable_key, "search": MARK} if method == "GET" else None,
        json=BODIES.get(path, {}) if method != "GET" else None,
    )
    if ":" in path:
        missing = api.request(
            method,
            re.sub(r":\w+", "nobody", path),
            headers=tenant.headers(),
            json=BODIES.get(path, {}) if method != "GET" else None,
        )
        assert answer.status_code == missing.status_code == 404
        assert without_id(answer) == without_id(missing), "another's and a missing one answer the same"
    assert answer.status_code < 500 or answer.status_code in (502, 503), answer.text
    assert f"{MARK}@" not in answer.text
    assert victim.order_id not in answer.text
    assert victim.tenant.publishable_key not in answer.text
    assert victim.snapshot(stack) == before


def without_id(answer: httpx.Response) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name != "requestId"}


@pytest.mark.parametrize("path", ["/api/dashboard", "/api/dashboard/totals"])
def test_a_developer_sees_no_other_developers_dashboard(api: httpx.Client, world: World, path: str) -> None:
    headers = {"Authorization": f"Bearer {world.other_developer_token}"}
    answers = [
        api.get(path, headers=headers, params={"publishableKey": key})
        for key in (world.victim.tenant.publishable_key, "pk_test_nobody")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert without_id(answers[0]) == without_id(answers[1])


def user_routes() -> list[tuple[str, str]]:
    return [(method, path) for method, path in routes() if path in USER_PATHS]


USER_PATHS = ("/api/data", "/api/usage", "/api/create-checkout", "/api/customer-portal")


@pytest.mark.parametrize(("method", "path"), user_routes())
def test_a_token_opens_the_project_of_its_user_only(
    stack: Stack, api: httpx.Client, clerk: ClerkControls, world: World, method: str, path: str
) -> None:
    key = world.victim.tenant.publishable_key
    user = clerk.make_user("endUsersTest", publicMetadata={"publishableKey": key})
    token = clerk.token("endUsersTest", user)
    before = world.victim.snapshot(stack)
    for name, tenant in world.strangers.items():
        headers = {"X-Publishable-Key": tenant.publishable_key, "X-Clerk-Token": token}
        answer = api.request(method, path, headers=headers, json=BODIES.get(path, {}) if method != "GET" else None)
        expected = (401, "invalid_token") if tenant.mode == "live" else (403, "project_mismatch")
        assert (answer.status_code, answer.json()["code"]) == expected, name
    assert world.victim.snapshot(stack) == before


@pytest.mark.parametrize(
    ("instance", "mode"), [("endUsersTest", "live"), ("endUsersLive", "test"), ("developers", "test")]
)
def test_a_token_of_another_instance_opens_nothing(
    stack: Stack, api: httpx.Client, clerk: ClerkControls, instance: Any, mode: Mode
) -> None:
    tenant = make_tenant(stack, mode=mode)
    token = clerk.token(instance, clerk.make_user(instance))
    headers = {"X-Publishable-Key": tenant.publishable_key, "X-Clerk-Token": token}
    answer = api.post("/api/data", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


def test_an_end_users_token_is_no_backend_and_a_publishable_key_reads_public_data_only(
    api: httpx.Client, clerk: ClerkControls, world: World
) -> None:
    key = world.victim.tenant.publishable_key
    token = clerk.token("endUsersTest", clerk.make_user("endUsersTest", publicMetadata={"publishableKey": key}))
    public = {("GET", "/api/tiers"), ("GET", "/api/products"), ("POST", "/api/cart/checkout")}
    for method, path in routes():
        if (method, path) in public or path in USER_PATHS:
            continue
        answer = api.request(
            method,
            re.sub(r":\w+", world.victim.user_id, path),
            headers={"X-Publishable-Key": key, "X-Clerk-Token": token},
            params={"publishableKey": key} if method == "GET" else None,
        )
        assert answer.status_code == 401, (method, path, answer.text)
