"""Guarantee: no tenant reads, changes or deletes anything of another one, and a test key never reaches live data. In workerd.

Every route of the four workers stands in `PROBES`, in `OF_THE_TOKEN` or in `PUBLIC`. A probe names rows of the victim in every way
that the route lets a caller name something. The answer must be the one for names that do not exist, and the victim's rows stay as they
were.
"""

from __future__ import annotations

import ast
import base64
import json
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from devstack.stack.stack import Stack
from dream.domain import keys
from dream.domain.keys import Mode
from tests.support import schema
from tests.support.clerk_controls import ClerkControls
from tests.support.developers import developer_token
from tests.support.stripe_accounts import Saas, StripeControls, make_account, make_saas
from tests.support.tenants import CREATED, Tenant, make_platform, make_tenant

ROOT = Path(__file__).resolve().parents[2]
MARK = "victims-own"
LATER = "2099-01-01T00:00:00.000Z"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + MARK.encode()).decode()

RouteName = tuple[str, str, str]
"""Worker, method and path."""


@dataclass(frozen=True)
class Probe:
    """One request. `{name}` stands for an id of the victim, or one that does not exist; `{own_pk}` for the caller's own key."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None

    @property
    def names_something(self) -> bool:
        parts = (self.path, self.query, self.headers, self.body)
        return re.search(r"\{(?!own_pk)\w+\}", json.dumps(parts)) is not None


USER = {"X-User-Id": "{user}"}
OWN_USER = {"X-User-Id": "user_of_the_stranger"}
TIER = {"name": "new", "displayName": "New", "price": 100, "limit": 5}

PROBES: Mapping[RouteName, tuple[Probe, ...]] = {
    ("api-multi", "POST", "/api/data"): (Probe(headers=USER, body={"quantity": 1, "publishableKey": "{pk}"}),),
    ("api-multi", "GET", "/api/usage"): (Probe(headers=USER, query={"publishableKey": "{pk}"}),),
    ("api-multi", "POST", "/api/create-checkout"): (
        Probe(headers=USER, body={"tier": "pro"}),
        Probe(headers=OWN_USER, body={"tier": "{tier}"}),
        Probe(headers=OWN_USER, body={"tier": "pro", "priceId": "{price}"}),
    ),
    ("api-multi", "POST", "/api/customer-portal"): (Probe(headers=USER, body={"publishableKey": "{pk}"}),),
    ("api-multi", "POST", "/api/customers"): (
        Probe(body={"email": "not an address", "publishableKey": "{pk}", "userId": "{user}", "plan": "{tier}"}),
        Probe(body={"email": "isolation@example.com", "plan": "{tier}"}),
    ),
    ("api-multi", "GET", "/api/customers"): (
        Probe(query={"publishableKey": "{pk}"}),
        Probe(query={"email": "{email}"}),
        Probe(query={"plan": "{tier}"}),
    ),
    ("api-multi", "GET", "/api/customers/:id"): (Probe({"id": "{user}"}, query={"publishableKey": "{pk}"}),),
    ("api-multi", "PATCH", "/api/customers/:id"): (
        Probe({"id": "{user}"}, body={"plan": "pro", "firstName": "Eve", "publishableKey": "{pk}"}),
    ),
    ("api-multi", "DELETE", "/api/customers/:id"): (Probe({"id": "{user}"}, query={"publishableKey": "{pk}"}),),
    ("api-multi", "GET", "/api/tiers"): (Probe(query={"publishableKey": "{pk}"}),),
    ("api-multi", "GET", "/api/products"): (Probe(query={"publishableKey": "{pk}"}),),
    ("api-multi", "POST", "/api/cart/checkout"): (
        Probe(body={"items": [{"tier": "{tier}", "quantity": 1}]}),
        Probe(body={"items": [{"priceId": "{price}", "quantity": 1}]}),
        Probe(body={"items": [{"productId": "{product}", "quantity": 1}]}),
    ),
    ("api-multi", "GET", "/api/cart/orders/:id"): (Probe({"id": "{order}"}), Probe({"id": "{session}"})),
    ("api-multi", "GET", "/api/orders"): (Probe(query={"publishableKey": "{pk}", "status": "paid"}),),
    ("api-multi", "GET", "/api/dashboard"): (
        Probe(query={"publishableKey": "{pk}"}),
        Probe(query={"publishableKey": "{pk}", "search": "{email}", "plan": "{tier}"}),
    ),
    ("api-multi", "GET", "/api/dashboard/totals"): (Probe(query={"publishableKey": "{pk}"}),),
    ("api-multi", "POST", "/api/assets"): (Probe(body={"data": PNG, "filename": "{image}", "publishableKey": "{pk}"}),),
    ("oauth-api", "POST", "/authorize"): (Probe(body={"mode": "test", "platformId": "{platform}"}),),
    ("oauth-api", "POST", "/disconnect"): (
        Probe(body={"mode": "test", "platformId": "{platform}", "stripeAccountId": "{account}"}),
    ),
    ("oauth-api", "POST", "/create-products"): (
        Probe(
            body={
                "mode": "live",
                "projectName": "A",
                "projectType": "saas",
                "tiers": [TIER],
                "platformId": "{platform}",
            }
        ),
    ),
    ("oauth-api", "GET", "/tiers"): (Probe(query={"publishableKey": "{pk}"}),),
    ("oauth-api", "PUT", "/tiers"): (
        Probe(body={"publishableKey": "{pk}", "tierName": "{tier}", "updates": {"displayName": "Mine"}}),
        Probe(body={"publishableKey": "{own_pk}", "tierName": "{tier}", "updates": {"displayName": "Mine"}}),
    ),
    ("oauth-api", "POST", "/tiers/add"): (Probe(body={"publishableKey": "{pk}", "tier": TIER}),),
    ("oauth-api", "DELETE", "/tiers"): (
        Probe(body={"publishableKey": "{pk}", "tierName": "{tier}", "force": True}),
        Probe(body={"publishableKey": "{own_pk}", "tierName": "{tier}", "force": True}),
    ),
    ("oauth-api", "POST", "/promote-to-live"): (
        Probe(body={"publishableKey": "{pk}"}),
        Probe(body={"publishableKey": "{pk}", "dryRun": True}),
    ),
    ("front-auth-api", "POST", "/generate-platform-id"): (Probe(body={"platformId": "{platform}"}),),
    ("front-auth-api", "POST", "/generate-credentials"): (Probe(body={"platformId": "{platform}"}),),
    ("front-auth-api", "GET", "/get-platform-id"): (Probe(query={"platformId": "{platform}"}),),
    ("front-auth-api", "POST", "/create-checkout"): (Probe(body={"platformId": "{platform}"}),),
    ("front-auth-api", "GET", "/subscription"): (Probe(query={"platformId": "{platform}"}),),
    ("front-auth-api", "POST", "/billing-portal"): (Probe(body={"platformId": "{platform}"}),),
    ("front-auth-api", "POST", "/verify-auth"): (Probe(body={"platformId": "{platform}"}),),
    ("front-auth-api", "GET", "/get-credentials"): (Probe(query={"publishableKey": "{pk}"}),),
    ("front-auth-api", "GET", "/projects"): (Probe(query={"publishableKey": "{pk}", "platformId": "{platform}"}),),
    ("front-auth-api", "PATCH", "/projects/:pk"): (
        Probe({"pk": "{pk}"}, body={"name": "Mine", "redirectOrigins": ["http://localhost:3000"]}),
    ),
    ("front-auth-api", "DELETE", "/projects/:pk"): (Probe({"pk": "{pk}"}),),
    ("front-auth-api", "POST", "/projects/rotate-key"): (Probe(body={"publishableKey": "{pk}"}),),
    ("front-auth-api", "POST", "/projects/revoke-key"): (
        Probe(body={"publishableKey": "{pk}"}),
        Probe(body={"publishableKey": "{pk}", "keyId": "{key}"}),
        Probe(body={"publishableKey": "{own_pk}", "keyId": "{key}"}),
    ),
    ("front-auth-api", "POST", "/upload-asset"): (Probe(body={"data": PNG, "filename": "{image}"}),),
}
"""What the secret key of another project, or the token of another developer, is tried with."""


@dataclass(frozen=True)
class TokenRoute:
    """A route that takes an end user's token: its body, and the code that refuses a user of another project."""

    body: Mapping[str, Any] | None
    refusal: tuple[int, str] = (403, "project_mismatch")


OF_THE_TOKEN: Mapping[RouteName, TokenRoute] = {
    ("api-multi", "POST", "/api/data"): TokenRoute({"quantity": 1}),
    ("api-multi", "GET", "/api/usage"): TokenRoute(None),
    ("api-multi", "POST", "/api/create-checkout"): TokenRoute({"tier": "pro"}),
    ("api-multi", "POST", "/api/customer-portal"): TokenRoute({}),
    ("sign-up", "GET", "/refresh/status"): TokenRoute(None),
    ("sign-up", "POST", "/oauth/complete"): TokenRoute({}, (409, "belongs_to_other_project")),
}

PUBLIC: Mapping[RouteName, str] = {
    **{
        (worker, "GET", "/health"): "names no tenant"
        for worker in ("api-multi", "oauth-api", "front-auth-api", "sign-up")
    },
    ("api-multi", "GET", "/api/assets/:key"): "an image is shown to everybody",
    ("api-multi", "POST", "/webhook/stripe"): "proved by its signature: tests/workerd/test_webhook_attacks.py",
    ("oauth-api", "GET", "/authorize"): "proved by a ticket: tests/workerd/test_oauth_connect.py",
    ("oauth-api", "GET", "/callback"): "proved by a state and a cookie: tests/workerd/test_oauth_connect.py",
    ("front-auth-api", "POST", "/webhook/stripe"): "proved by its signature: tests/workerd/test_webhook_attacks.py",
    ("front-auth-api", "POST", "/webhook/clerk"): "proved by its signature: tests/workerd/test_webhook_attacks.py",
    ("sign-up", "GET", "/signup"): "a page for everybody",
    ("sign-up", "GET", "/signin"): "a page for everybody",
    ("sign-up", "GET", "/account"): "a page for everybody",
    ("sign-up", "GET", "/callback"): "a page for everybody",
    ("sign-up", "GET", "/refresh"): "a page for everybody",
    ("sign-up", "GET", "/assets/:name"): "scripts and styles of the pages",
    ("sign-up", "POST", "/webhook/clerk"): "proved by its signature: tests/workerd/test_webhook_attacks.py",
}
"""Routes without a credential, and why no tenant is named there."""

DEVELOPER_CREDENTIALS = {"developer", "platform_developer", "paying_developer", "dashboard_viewer"}
KEY_CREDENTIALS = {"secret_key", "any_project_key", "shopper", "end_user", "counted_end_user", "dashboard_viewer"}
PUBLISHABLE_CREDENTIALS = {"any_project_key", "shopper"}
TOKEN_CREDENTIALS = {"end_user", "counted_end_user", "signed_in_user"}


def routes() -> dict[RouteName, str]:
    """The credential of every route in the route tables of the workers."""
    found: dict[RouteName, str] = {}
    for file in sorted(ROOT.glob("workers/*/src/**/routes.py")):
        worker = file.relative_to(ROOT).parts[1]
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Route":
                method, path = (argument.value for argument in node.args[:2] if isinstance(argument, ast.Constant))
                found[worker, str(method), str(path)] = ast.unparse(node.args[2])
    return found


ROUTES = routes()


def routes_with(credentials: set[str]) -> list[Any]:
    return [pytest.param(*name, id=" ".join(name)) for name, each in ROUTES.items() if each in credentials]


def test_every_route_is_probed() -> None:
    kinds = DEVELOPER_CREDENTIALS | KEY_CREDENTIALS | TOKEN_CREDENTIALS | {"nobody"}
    assert set(ROUTES.values()) <= kinds, (
        f"new credentials: {sorted(set(ROUTES.values()) - kinds)}. Add each to the sets of credentials of this file"
    )
    named = {
        "PROBES": (set(PROBES), DEVELOPER_CREDENTIALS | KEY_CREDENTIALS),
        "OF_THE_TOKEN": (set(OF_THE_TOKEN), TOKEN_CREDENTIALS),
        "PUBLIC": (set(PUBLIC), {"nobody"}),
    }
    cures: list[str] = []
    for place, (there, credentials) in named.items():
        probe_only = place == "PROBES"
        wanted = {
            name
            for name, each in ROUTES.items()
            if each in credentials and not (probe_only and name[0] == "sign-up" and each == "end_user")
        }
        cures += [
            f"{' '.join(name)}: add it to {place}, with every id that a caller can name" for name in wanted - there
        ]
        cures += [
            f"{' '.join(name)}: the workers have no such route; delete it from {place}" for name in there - wanted
        ]
    assert not cures, "\n".join(sorted(cures))
    for name, probes in PROBES.items():
        for probe in probes:
            assert set(probe.path) == set(re.findall(r":(\w+)", name[2])), f"{name}: name each part of the path"
            assert probe.names_something, f"{name}: a probe names something of the victim"


# The victim -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Victim:
    """A project with a row in every table, and the ids by which a stranger may name them."""

    saas: Saas
    ids: Mapping[str, str]

    @property
    def tenant(self) -> Tenant:
        return self.saas.tenant

    def rows(self, stack: Stack) -> dict[str, list[Any]]:
        """All rows of the project and of its platform, by table."""
        owners = (self.tenant.publishable_key, self.tenant.platform_id)
        found = stack.d1(DUMP, *owners)[0]
        return {table: json.loads(rows) for table, rows in found.items()}

    def image(self, api: httpx.Client) -> bytes:
        return api.get(f"/api/assets/{self.ids['image']}").raise_for_status().content


def read_schema() -> dict[str, schema.Table]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript((ROOT / "schema.sql").read_text())
        return schema.read_tables(connection)


def owned_tables() -> dict[str, str]:
    """Tables whose rows belong to a project or to a platform, and the column that says to which; parents first."""
    found: dict[str, str] = {}
    for table in schema.parents_first(read_schema()):
        columns = {column.name for column in table.columns}
        if owner := next((each for each in ("publishableKey", "platformId") if each in columns), None):
            found[table.name] = owner
    return found


def dump_statement() -> str:
    """One statement that returns the rows of each of these tables as a JSON array. Project ?1, platform ?2."""
    tables = read_schema()
    parts: list[str] = []
    for name, owner in owned_tables().items():
        columns = ", ".join(f'"{column.name}"' for column in tables[name].columns)
        value = "?1" if owner == "publishableKey" else "?2"
        parts.append(
            f'(SELECT json_group_array(json_array({columns})) FROM "{name}" WHERE {owner} = {value}) AS "{name}"'
        )
    return f"SELECT {', '.join(parts)}"


DUMP = dump_statement()


def make_victim(stack: Stack, stripe: StripeControls, clerk: ClerkControls, api: httpx.Client, platform: Any) -> Victim:
    """Its rows are made by the API where that is easy; each table that is empty then gets a row from the schema itself."""
    tiers = [{"name": MARK, "price": 900, "limit": 50}, {"name": "pro", "price": 2900, "limit": 1000}]
    saas = make_saas(stack, stripe, tiers=tiers, platform=platform)
    tenant = saas.tenant
    user = clerk.make_user("endUsersTest", publicMetadata={"publishableKey": tenant.publishable_key})
    ids = {
        "pk": tenant.publishable_key,
        "platform": tenant.platform_id,
        "account": saas.account,
        "user": user,
        "email": f"{MARK}@example.com",
        "tier": MARK,
        "price": saas.prices[MARK],
        "product": saas.products[MARK],
        "order": f"order_{MARK}",
        "session": f"cs_test_{MARK}",
        "key": keys.key_id(tenant.secret_key_hash),
        "image": "",
    }
    given: dict[str, str | int | None] = {
        "publishableKey": ids["pk"],
        "platformId": ids["platform"],
        "userId": user,
        "clerkUserId": user,
        "email": ids["email"],
        "tierName": MARK,
        "plan": MARK,
        "priceId": ids["price"],
        "productId": ids["product"],
        "orderId": ids["order"],
        "sessionId": ids["session"],
        "origin": f"https://{MARK}.example.com",
        "currency": "usd",
        "currentPeriodStart": CREATED,
        "createdAt": CREATED,
    }
    by_table: dict[str, dict[str, str | int | None]] = {
        "orders": {"status": "paid"},
        "subscriptions": {"status": "active", "endedAt": None},
        "stock_reservations": {"status": "sold"},
        "checkout_sessions": {"sessionId": f"cs_test_open_{MARK}"},
        "audit_log": {"auditId": None},
    }
    tables = read_schema()
    for name, owner in owned_tables().items():
        if stack.d1(f'SELECT 1 FROM "{name}" WHERE {owner} = ?1 LIMIT 1', str(given[owner])):
            continue
        if name == "usage_counts":
            api.post("/api/data", headers=tenant.headers(user)).raise_for_status()
            continue
        row = {column.name: marked(column) for column in tables[name].columns}
        row |= {column: value for column, value in (given | by_table.get(name, {})).items() if column in row}
        names, marks = ", ".join(f'"{column}"' for column in row), ", ".join(f"?{n}" for n in range(1, len(row) + 1))
        stack.d1(f'INSERT INTO "{name}" ({names}) VALUES ({marks})', *row.values())
    image = api.post("/api/assets", headers=tenant.headers(), json={"data": PNG}).raise_for_status().json()["key"]
    return Victim(saas, {**ids, "image": image})


def marked(column: schema.Column) -> str | int:
    """The column's value in a row of the victim. Texts carry the mark; moments lie ahead, so that nothing is cleaned up."""
    value = schema.value_for(column, 0)
    if column.allowed or column.is_json or isinstance(value, int):
        return value
    return LATER if column.name.endswith(schema.MOMENT_NAMES) else f"{MARK} {column.name}"


@dataclass(frozen=True)
class World:
    """The victim, and the accounts on which strangers sell: platform, mode and tier rows with prices."""

    victim: Victim
    strangers: Mapping[str, tuple[tuple[str, str], Mode, list[dict[str, Any]]]]

    def stranger(self, stack: Stack, name: str) -> Tenant:
        """A new project of this stranger, so that no request before this one has left anything."""
        platform, mode, tiers = self.strangers[name]
        return make_tenant(stack, tiers=tiers, platform=platform, mode=mode)


@pytest.fixture(scope="module")
def clerk(stack: Stack) -> Iterator[ClerkControls]:
    controls = ClerkControls(stack)
    yield controls
    controls.close()


@pytest.fixture(scope="module")
def world(stack: Stack, stripe: StripeControls, clerk: ClerkControls) -> World:
    first, second = make_platform(stack), make_platform(stack)
    with httpx.Client(base_url=stack.url("api-multi"), timeout=60) as api:
        victim = make_victim(stack, stripe, clerk, api, first)
    live_account = make_account(stack, stripe, first[0], "live")
    sellers: dict[str, Saas] = {
        "same developer": make_saas(stack, stripe, platform=first, account=victim.saas.account),
        "same developer, live": make_saas(stack, stripe, platform=first, account=live_account, mode="live"),
        "other developer": make_saas(stack, stripe, platform=second),
        "other developer, live": make_saas(stack, stripe, platform=second, mode="live"),
    }
    return World(
        victim,
        {
            name: (
                first if name.startswith("same") else second,
                saas.tenant.mode,
                [{"name": "pro", "price": 2900, "priceId": saas.prices["pro"], "productId": saas.products["pro"]}],
            )
            for name, saas in sellers.items()
        },
    )


def test_the_victim_has_a_row_in_every_table(stack: Stack, world: World) -> None:
    empty = [table for table, rows in world.victim.rows(stack).items() if not rows]
    assert not empty, f"make_victim gives no row to {empty}"


# The strangers ----------------------------------------------------------------------------------------------------


def missing_ids(victim: Victim) -> dict[str, str]:
    """As the victim's ids, of nothing that exists."""
    return {
        "pk": keys.make_key("pk", victim.tenant.mode, os.urandom),
        "platform": "plt_nobody",
        "account": "acct_nobody",
        "user": "user_nobody",
        "email": "nobody@example.com",
        "tier": "no-such-tier",
        "price": "price_nothing",
        "product": "prod_nothing",
        "order": "order_nothing",
        "session": "cs_test_nothing",
        "key": "0123456789abcdef",
        "image": f"plt_nobody.{'0' * 64}.png",
    }


def send(
    stack: Stack, name: RouteName, probe: Probe, headers: Mapping[str, str], ids: Mapping[str, str]
) -> httpx.Response:
    """The probe with these ids, by a caller with these headers."""
    worker, method, path = name

    def named(parts: Any) -> Any:
        return json.loads(re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], json.dumps(parts)))

    url = re.sub(r":(\w+)", lambda found: named(probe.path)[found[1]], path)
    return httpx.request(
        method,
        f"{stack.url(worker)}{url}",
        params=named(probe.query) or None,
        headers={**headers, **named(probe.headers)},
        json=None if probe.body is None else named(probe.body),
        timeout=60,
    )


def told(answer: httpx.Response, ids: Mapping[str, str]) -> tuple[int, str]:
    """Status and text. Ids that the caller named, and what is new in every answer, are replaced by their names."""
    text = answer.text
    for name, value in sorted(ids.items(), key=lambda each: -len(each[1])):
        if name != "own_pk":
            text = text.replace(value, f"<{name}>")
    for name, pattern in {
        "moment": r"\d{4}-\d\d-\d\dT[\d:.]+Z",
        "requestId": r'"requestId": ?"[^"]*"',
        "url": r"http://(?:localhost|127\.0\.0\.1):\d+/[^\"]*",
        "key id": r"\b[0-9a-f]{16}\b",
        "id": r"\b(?:acct|bps|cs|cus|pk|plt|price|prod|sk|user)_\w+…?\w*",
    }.items():
        text = re.sub(pattern, f"<{name}>", text)
    return answer.status_code, text


@dataclass(frozen=True)
class Caller:
    """Somebody's credential, and the publishable key of their own project."""

    headers: Mapping[str, str]
    publishable_key: str


def check(stack: Stack, api: httpx.Client, victim: Victim, name: RouteName, callers: tuple[Caller, Caller]) -> None:
    """All probes of a route. The first caller names what is the victim's, the second, who is in the same state, what is not there."""
    before, image = victim.rows(stack), victim.image(api)
    theirs, nobodys = (
        {**ids, "own_pk": caller.publishable_key}
        for ids, caller in zip((victim.ids, missing_ids(victim)), callers, strict=True)
    )
    for probe in PROBES[name]:
        answer = send(stack, name, probe, callers[0].headers, theirs)
        missing = send(stack, name, probe, callers[1].headers, nobodys)
        assert told(answer, theirs) == told(missing, nobodys), "another's and what does not exist answer the same"
        assert answer.status_code < 500, answer.text
        assert MARK not in told(answer, theirs)[1]
        if probe.path:
            assert answer.status_code == 404, answer.text
    assert victim.rows(stack) == before
    assert victim.image(api) == image


STRANGERS = ("same developer", "same developer, live", "other developer", "other developer, live")


@pytest.mark.parametrize(
    ("worker", "method", "path"), [each for each in routes_with(KEY_CREDENTIALS) if each.values[0] != "sign-up"]
)
@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_secret_key_of_another_project_reaches_nothing(
    stack: Stack, api: httpx.Client, world: World, stranger: str, worker: str, method: str, path: str
) -> None:
    def caller() -> Caller:
        tenant = world.stranger(stack, stranger)
        return Caller(tenant.headers(), tenant.publishable_key)

    check(stack, api, world.victim, (worker, method, path), (caller(), caller()))


@pytest.mark.parametrize(("worker", "method", "path"), routes_with(PUBLISHABLE_CREDENTIALS))
@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_publishable_key_of_another_project_reaches_nothing(
    stack: Stack, api: httpx.Client, world: World, stranger: str, worker: str, method: str, path: str
) -> None:
    def caller() -> Caller:
        publishable_key = world.stranger(stack, stranger).publishable_key
        return Caller({"X-Publishable-Key": publishable_key}, publishable_key)

    check(stack, api, world.victim, (worker, method, path), (caller(), caller()))


@pytest.mark.parametrize(("worker", "method", "path"), routes_with(DEVELOPER_CREDENTIALS))
def test_a_token_of_another_developer_reaches_nothing(
    stack: Stack, api: httpx.Client, stripe: StripeControls, world: World, worker: str, method: str, path: str
) -> None:
    def caller() -> Caller:
        tenant = make_tenant(stack)
        for mode in keys.MODES:
            make_account(stack, stripe, tenant.platform_id, mode)
        token = developer_token(stack, tenant.developer_id)
        return Caller({"Authorization": f"Bearer {token}"}, tenant.publishable_key)

    check(stack, api, world.victim, (worker, method, path), (caller(), caller()))


# Tokens of end users ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("worker", "method", "path"), routes_with(TOKEN_CREDENTIALS))
def test_a_token_opens_the_project_of_its_user_only(
    stack: Stack, clerk: ClerkControls, world: World, worker: str, method: str, path: str
) -> None:
    """In both directions: the victim's user at a stranger's project, and a stranger's user at the victim's."""
    victim = world.victim
    token, before = clerk.token("endUsersTest", victim.ids["user"]), victim.rows(stack)
    for name in STRANGERS:
        tenant = world.stranger(stack, name)
        refused(stack, (worker, method, path), tenant.publishable_key, token, tenant.mode)
        instance = "endUsersTest" if tenant.mode == "test" else "endUsersLive"
        user = clerk.make_user(instance, publicMetadata={"publishableKey": tenant.publishable_key})
        refused(stack, (worker, method, path), victim.ids["pk"], clerk.token(instance, user), tenant.mode)
    assert victim.rows(stack) == before


def refused(stack: Stack, name: RouteName, publishable_key: str, token: str, mode: Mode) -> None:
    """A token of the other mode is none; one of the same mode is refused for its user's project."""
    route = OF_THE_TOKEN[name]
    answer = send(
        stack, name, Probe(body=route.body), {"X-Publishable-Key": publishable_key, "X-Clerk-Token": token}, {}
    )
    expected = (401, "invalid_token") if mode == "live" else route.refusal
    assert (answer.status_code, answer.json()["code"]) == expected


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


@pytest.mark.parametrize(("worker", "method", "path"), routes_with({"secret_key", *DEVELOPER_CREDENTIALS}))
def test_an_end_users_token_beside_a_publishable_key_is_no_backend_and_no_developer(
    stack: Stack, clerk: ClerkControls, world: World, worker: str, method: str, path: str
) -> None:
    victim, name = world.victim, (worker, method, path)
    before = victim.rows(stack)
    token = clerk.token("endUsersTest", victim.ids["user"])
    for headers in (
        {"X-Publishable-Key": victim.ids["pk"], "X-Clerk-Token": token},
        {"Authorization": f"Bearer {token}"},
    ):
        for probe in PROBES[name]:
            answer = send(stack, name, probe, headers, {**victim.ids, "own_pk": victim.ids["pk"]})
            assert answer.status_code == 401, answer.text
    assert victim.rows(stack) == before
