"""`POST /promote-to-live`: one live project equal to its test project, however often, at once or half-way. In workerd."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx

from devstack.stack.stack import Stack
from dream.domain import keys
from tests.support.developers import Developer, make_developer
from tests.support.killing import kill_during
from tests.support.stripe_accounts import StripeControls
from tests.support.tenants import CREATED
from tests.support.waiting import eventually

SAAS: Mapping[str, Any] = {
    "mode": "test",
    "projectName": "Notes",
    "projectType": "saas",
    "tiers": [
        {"name": "free", "displayName": "Free", "price": 0, "limit": 100},
        {"name": "pro", "displayName": "Pro", "price": 2900, "limit": 5000},
        {"name": "max", "displayName": "Max", "price": 9900, "limit": "unlimited"},
    ],
}


def make_project(stack: Stack, stripe: StripeControls, body: Mapping[str, Any] = SAAS) -> tuple[Developer, str]:
    """A developer who is connected in both modes, and their test project."""
    developer = make_developer(stack, stripe, connected=("test", "live"))
    return developer, developer.post("/create-products", body).json()["publishableKey"]


def promote(developer: Developer, publishable_key: str, **more: Any) -> httpx.Response:
    return developer.post("/promote-to-live", {"publishableKey": publishable_key, **more})


def promoted(developer: Developer, publishable_key: str) -> dict[str, Any]:
    answer = promote(developer, publishable_key)
    assert answer.status_code == 200, answer.text
    return answer.json()


def offered(developer: Developer, publishable_key: str) -> list[dict[str, Any]]:
    return developer.request("GET", f"/tiers?publishableKey={publishable_key}").json()["tiers"]


def on_sale(stripe: StripeControls, developer: Developer, kind: str) -> set[str]:
    account = developer.accounts["live"]
    return {each["id"] for each in stripe.api("GET", kind, account, "live", limit=100, active="true")["data"]}


def assert_live_equals_test(developer: Developer, stripe: StripeControls, test_key: str) -> str:
    """One live project with the test project's tiers, on sale at Stripe and nothing else beside; its publishable key."""
    stack = developer.stack
    (live,) = stack.d1("SELECT * FROM projects WHERE testPublishableKey = ?1", test_key)
    key = live["publishableKey"]
    own = ("priceId", "stripePriceId", "productId", "inventory", "soldOut")
    test_tiers, live_tiers = offered(developer, test_key), offered(developer, key)

    def shared(tiers: list[dict[str, Any]]) -> dict[str, Any]:
        return {tier["name"]: {name: value for name, value in tier.items() if name not in own} for tier in tiers}

    assert shared(live_tiers) == shared(test_tiers)
    paid = [tier for tier in live_tiers if tier["price"] > 0]
    eventually(
        lambda: (
            on_sale(stripe, developer, "products") == {tier["productId"] for tier in live_tiers if tier["productId"]}
        )
    )
    eventually(lambda: on_sale(stripe, developer, "prices") == {tier["priceId"] for tier in paid})
    for tier in paid:
        price = stripe.api("GET", f"prices/{tier['priceId']}", developer.accounts["live"], "live")
        assert (price["unit_amount"], price["livemode"]) == (tier["price"], True)
    assert len(stack.d1("SELECT 1 FROM api_keys WHERE publishableKey = ?1", key)) == 1
    assert not stack.d1(
        "SELECT 1 FROM project_drafts WHERE platformId = ?1 AND settledAt IS NULL", developer.platform_id
    )
    return key


def test_a_dry_run_shows_what_would_happen_and_does_nothing(stack: Stack, stripe: StripeControls) -> None:
    developer, test_key = make_project(stack, stripe)
    answer = promote(developer, test_key, dryRun=True).json()
    assert (answer["dryRun"], answer["publishableKey"]) == (True, None)
    assert [(change["tier"], change["action"]) for change in answer["changes"]] == [
        ("free", "create"),
        ("pro", "create"),
        ("max", "create"),
    ]
    assert "secretKey" not in answer
    assert not stack.d1("SELECT 1 FROM projects WHERE testPublishableKey = ?1", test_key)
    assert not on_sale(stripe, developer, "products")
    assert not stack.d1(
        "SELECT 1 FROM project_drafts WHERE platformId = ?1 AND settledAt IS NULL", developer.platform_id
    )


def test_the_first_promotion_shows_the_live_keys_once(stack: Stack, stripe: StripeControls) -> None:
    developer, test_key = make_project(stack, stripe)
    stack.d1(
        "INSERT INTO redirect_origins (publishableKey, origin) VALUES (?1, 'https://app.example.com'),"
        " (?1, 'http://localhost:3000'), (?1, 'http://127.0.0.1:8000'), (?1, 'http://app.localhost')",
        test_key,
    )
    test_before = offered(developer, test_key)
    first = promoted(developer, test_key)
    assert keys.is_well_formed(first["publishableKey"], "pk")
    assert first["publishableKey"].startswith("pk_live_")
    assert first["secretKey"].startswith("sk_live_")
    assert first["secretKeyMasked"] == keys.mask(first["secretKey"])
    assert (first["mode"], first["projectType"], first["projectName"]) == ("live", "saas", "Notes")
    assert assert_live_equals_test(developer, stripe, test_key) == first["publishableKey"]
    origins = stack.d1("SELECT origin FROM redirect_origins WHERE publishableKey = ?1", first["publishableKey"])
    assert origins == [{"origin": "https://app.example.com"}]
    assert offered(developer, test_key) == test_before
    tiers = httpx.get(f"{stack.url('api-multi')}/api/tiers", headers={"Authorization": f"Bearer {first['secretKey']}"})
    assert [tier["name"] for tier in tiers.json()["tiers"]] == ["free", "pro", "max"]

    again = promoted(developer, test_key)
    assert "secretKey" not in again
    assert (again["publishableKey"], again["secretKeyMasked"]) == (first["publishableKey"], first["secretKeyMasked"])
    assert {change["action"] for change in again["changes"]} == {"unchanged"}
    assert again["products"] == first["products"]
    actions = stack.d1("SELECT action FROM audit_log WHERE publishableKey = ?1", first["publishableKey"])
    assert [row["action"] for row in actions].count("key.created") == 1


def test_repeating_brings_the_live_project_up_to_the_test_one(stack: Stack, stripe: StripeControls) -> None:
    developer, test_key = make_project(stack, stripe)
    live_key = promoted(developer, test_key)["publishableKey"]

    def edit(method: str, path: str, **body: Any) -> None:
        answer = developer.request(method, path, {"publishableKey": test_key, **body})
        assert answer.status_code == 200, answer.text

    edit("PUT", "/tiers", tierName="pro", updates={"price": 3900, "displayName": "Professional", "limit": 6000})
    edit("PUT", "/tiers", tierName="free", updates={"price": 500})
    edit("DELETE", "/tiers", tierName="max")
    edit("POST", "/tiers/add", tier={"name": "team", "displayName": "Team", "price": 19900, "limit": "unlimited"})
    planned = promote(developer, test_key, dryRun=True).json()
    assert planned["publishableKey"] == live_key
    assert {change["tier"]: change["action"] for change in planned["changes"]} == {
        "free": "update",
        "pro": "update",
        "team": "create",
        "max": "archive",
    }
    (pro,) = [change for change in planned["changes"] if change["tier"] == "pro"]
    assert set(pro["fields"]) == {"price", "displayName", "limit"}
    assert promoted(developer, test_key)["publishableKey"] == live_key
    assert assert_live_equals_test(developer, stripe, test_key) == live_key
    edit("POST", "/tiers/add", tier={"name": "max", "displayName": "Max again", "price": 100, "limit": 1})
    edit("PUT", "/tiers", tierName="free", updates={"price": 0})
    promoted(developer, test_key)
    assert assert_live_equals_test(developer, stripe, test_key) == live_key


def test_stock_comes_along_once_and_is_then_the_live_projects_own(stack: Stack, stripe: StripeControls) -> None:
    body = {
        "mode": "test",
        "projectName": "Mugs",
        "projectType": "store",
        "tiers": [{"name": "mug", "displayName": "Mug", "price": 1200, "inventory": 9}],
    }
    developer, test_key = make_project(stack, stripe, body)
    live_key = promoted(developer, test_key)["publishableKey"]
    assert offered(developer, live_key)[0]["inventory"] == 9
    stack.d1("UPDATE tiers SET inventory = 2 WHERE publishableKey = ?1", live_key)
    developer.request("PUT", "/tiers", {"publishableKey": test_key, "tierName": "mug", "updates": {"price": 1300}})
    promoted(developer, test_key)
    assert (offered(developer, live_key)[0]["inventory"], offered(developer, live_key)[0]["price"]) == (2, 1300)


def test_live_subscribers_keep_a_tier_that_the_test_project_dropped(stack: Stack, stripe: StripeControls) -> None:
    developer, test_key = make_project(stack, stripe)
    live = promoted(developer, test_key)
    stack.d1(
        "INSERT INTO end_users (publishableKey, clerkUserId, plan, createdAt, updatedAt) VALUES (?1, 'u', 'max', ?2, ?2)",
        live["publishableKey"],
        CREATED,
    )
    developer.request("DELETE", "/tiers", {"publishableKey": test_key, "tierName": "max"})
    promoted(developer, test_key)
    headers = {"Authorization": f"Bearer {live['secretKey']}", "X-User-Id": "u"}
    assert httpx.get(f"{stack.url('api-multi')}/api/usage", headers=headers).json()["plan"] == "max"


def test_what_is_missing_is_said(stack: Stack, stripe: StripeControls) -> None:
    developer = make_developer(stack, stripe, connected=("test",))
    test_key = developer.post("/create-products", SAAS).json()["publishableKey"]
    for more in ({}, {"dryRun": True}):
        refused = promote(developer, test_key, **more)
        assert (refused.status_code, refused.json()["code"]) == (428, "live_connection_required")
    other, other_key = make_project(stack, stripe)
    live_key = promoted(other, other_key)["publishableKey"]
    assert set(promote(other, live_key).json()["fields"]) == {"publishableKey"}
    assert set(promote(other, "nonsense", dryRun="yes").json()["fields"]) == {"publishableKey", "dryRun"}
    stack.d1("UPDATE platforms SET subscriptionStatus = 'canceled' WHERE platformId = ?1", other.platform_id)
    assert promote(other, other_key).status_code == 402


def test_promotions_at_once_make_one_live_project(stack: Stack, stripe: StripeControls) -> None:
    developer, test_key = make_project(stack, stripe)
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: promote(developer, test_key), range(5)))
    assert {answer.status_code for answer in answers} <= {200, 503}, [answer.text for answer in answers]
    made = [answer.json() for answer in answers if answer.status_code == 200]
    assert len({each["publishableKey"] for each in made}) == 1
    assert len([each for each in made if "secretKey" in each]) == 1
    assert_live_equals_test(developer, stripe, test_key)
    assert len(stripe.api("GET", "products", developer.accounts["live"], "live", limit=100)["data"]) == 2


def test_promotions_and_edits_at_once_leave_no_stray_price(stack: Stack, stripe: StripeControls) -> None:
    developer, test_key = make_project(stack, stripe)
    promoted(developer, test_key)

    def edit(price: int) -> None:
        change = {"publishableKey": test_key, "tierName": "pro", "updates": {"price": price}}
        assert developer.request("PUT", "/tiers", change).status_code == 200
        assert promote(developer, test_key).status_code in (200, 503)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(edit, (3100, 3200, 3300)))
    promoted(developer, test_key)
    assert_live_equals_test(developer, stripe, test_key)


FIRST = ("opened", "pro:product", "pro:price", "max:product", "max:price", "made", "stored")
SECOND = ("opened", "pro:price", "team:product", "team:price", "made", "stored")


def test_a_promotion_that_is_killed_at_any_step_is_finished_by_its_retry(stack: Stack, stripe: StripeControls) -> None:
    attempts: list[tuple[str, Developer, str]] = []
    for step in FIRST:
        developer, test_key = make_project(stack, stripe)
        attempts.append((step, developer, test_key))
    for step in SECOND:
        developer, test_key = make_project(stack, stripe)
        promoted(developer, test_key)
        team = {"name": "team", "displayName": "Team", "price": 19900, "limit": 1}
        developer.post("/tiers/add", {"publishableKey": test_key, "tier": team})
        change = {"publishableKey": test_key, "tierName": "pro", "updates": {"price": 3900}}
        developer.request("PUT", "/tiers", change)
        attempts.append((step, developer, test_key))
    kill_during(
        stack,
        "oauth-api",
        [(f"promote-to-live:{step}", partial(promote, developer, key)) for step, developer, key in attempts],
    )
    for step, developer, test_key in attempts:
        finished = promote(developer, test_key)
        assert finished.status_code == 200, (step, finished.text)
    stack.d1("UPDATE outbox SET nextAttemptAt = ?1", CREATED)
    stack.run_scheduled("front-auth-api")
    for step, developer, test_key in attempts:
        assert_live_equals_test(developer, stripe, test_key)
        products = stripe.api("GET", "products", developer.accounts["live"], "live", limit=100)["data"]
        assert all(product["active"] for product in products), step
