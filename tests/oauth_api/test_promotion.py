"""`POST /promote-to-live`: one live project equal to its test project, if calls repeat, race or die."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dream.domain import keys
from tests.support.developers import Developer, make_developer
from tests.support.in_process.stack import InProcessStack
from tests.support.killing import die_at
from tests.support.promotions import (
    SAAS,
    assert_live_equals_test,
    make_project,
    on_sale,
    promote,
    promoted,
    tiers_of,
)
from tests.support.stack import Stack
from tests.support.stripe_accounts import StripeControls
from tests.support.tenants import CREATED


def test_a_dry_run_lists_the_changes_and_makes_none(stack: Stack, stripe: StripeControls) -> None:
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
    test_before = tiers_of(developer, test_key)
    first = promoted(developer, test_key)
    assert keys.is_well_formed(first["publishableKey"], "pk")
    assert first["publishableKey"].startswith("pk_live_")
    assert first["secretKey"].startswith("sk_live_")
    assert first["secretKeyMasked"] == keys.mask(first["secretKey"])
    assert (first["mode"], first["projectType"], first["projectName"]) == ("live", "saas", "Notes")
    assert assert_live_equals_test(developer, stripe, test_key) == first["publishableKey"]
    origins = stack.d1("SELECT origin FROM redirect_origins WHERE publishableKey = ?1", first["publishableKey"])
    assert origins == [{"origin": "https://app.example.com"}]
    assert tiers_of(developer, test_key) == test_before
    tiers = stack.http("api-multi").get("/api/tiers", headers={"Authorization": f"Bearer {first['secretKey']}"})
    assert [tier["name"] for tier in tiers.json()["tiers"]] == ["free", "pro", "max"]

    again = promoted(developer, test_key)
    assert "secretKey" not in again
    assert (again["publishableKey"], again["secretKeyMasked"]) == (first["publishableKey"], first["secretKeyMasked"])
    assert {change["action"] for change in again["changes"]} == {"unchanged"}
    assert again["products"] == first["products"]
    actions = stack.d1("SELECT action FROM audit_log WHERE publishableKey = ?1", first["publishableKey"])
    assert [row["action"] for row in actions].count("key.created") == 1


def test_a_later_promotion_brings_the_edits_to_the_live_project(stack: Stack, stripe: StripeControls) -> None:
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


def test_inventory_is_copied_by_the_first_promotion_only(stack: Stack, stripe: StripeControls) -> None:
    body = {
        "mode": "test",
        "projectName": "Mugs",
        "projectType": "store",
        "tiers": [{"name": "mug", "displayName": "Mug", "price": 1200, "inventory": 9}],
    }
    developer, test_key = make_project(stack, stripe, body)
    live_key = promoted(developer, test_key)["publishableKey"]
    assert tiers_of(developer, live_key)[0]["inventory"] == 9
    stack.d1("UPDATE tiers SET inventory = 2 WHERE publishableKey = ?1", live_key)
    developer.request("PUT", "/tiers", {"publishableKey": test_key, "tierName": "mug", "updates": {"price": 1300}})
    promoted(developer, test_key)
    assert (tiers_of(developer, live_key)[0]["inventory"], tiers_of(developer, live_key)[0]["price"]) == (2, 1300)


def test_live_subscribers_keep_a_tier_that_the_test_project_deleted(stack: Stack, stripe: StripeControls) -> None:
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
    assert stack.http("api-multi").get("/api/usage", headers=headers).json()["plan"] == "max"


def test_a_promotion_says_what_is_missing(stack: Stack, stripe: StripeControls) -> None:
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
    wanted = {"publishableKey": test_key}
    answers = stack.at_once([developer.prepare("POST", "/promote-to-live", wanted) for _ in range(5)])
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
"""The steps of a first promotion."""
SECOND = ("opened", "pro:price", "team:product", "team:price", "made", "stored")
"""The steps of a promotion after edits of the test project."""


def assert_finished_by_its_retry(
    stack: InProcessStack, stripe: StripeControls, developer: Developer, test_key: str, step: str
) -> None:
    die_at(stack, "oauth-api", f"promote-to-live:{step}", lambda: promote(developer, test_key))
    finished = promote(developer, test_key)
    assert finished.status_code == 200, finished.text
    stack.d1("UPDATE outbox SET nextAttemptAt = ?1", CREATED)
    stack.run_scheduled("front-auth-api")
    assert_live_equals_test(developer, stripe, test_key)
    products = stripe.api("GET", "products", developer.accounts["live"], "live", limit=100)["data"]
    assert all(product["active"] for product in products)


@pytest.mark.parametrize("step", FIRST)
def test_a_first_promotion_that_dies_at_any_step_is_finished_by_its_retry(
    stack: InProcessStack, stripe: StripeControls, step: str
) -> None:
    developer, test_key = make_project(stack, stripe)
    assert_finished_by_its_retry(stack, stripe, developer, test_key, step)


@pytest.mark.parametrize("step", SECOND)
def test_a_later_promotion_that_dies_at_any_step_is_finished_by_its_retry(
    stack: InProcessStack, stripe: StripeControls, step: str
) -> None:
    developer, test_key = make_project(stack, stripe)
    promoted(developer, test_key)
    team = {"name": "team", "displayName": "Team", "price": 19900, "limit": 1}
    developer.post("/tiers/add", {"publishableKey": test_key, "tier": team})
    change = {"publishableKey": test_key, "tierName": "pro", "updates": {"price": 3900}}
    developer.request("PUT", "/tiers", change)
    assert_finished_by_its_retry(stack, stripe, developer, test_key, step)
