"""`POST /create-products`: one project, one product and one price per paid tier, however the calls repeat, race or die. In workerd."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx
import pytest

from devstack.stack.stack import Stack
from dream.domain import keys
from tests.support.developers import Developer, make_developer
from tests.support.killing import kill_during
from tests.support.stripe_accounts import StripeControls

SAAS: Mapping[str, Any] = {
    "mode": "test",
    "projectName": "Notes",
    "projectType": "saas",
    "tiers": [
        {"name": "free", "displayName": "Free", "price": 0, "limit": 100},
        {
            "name": "pro",
            "displayName": "Pro",
            "price": 2900,
            "limit": 5000,
            "description": "For teams",
            "features": ["Everything", "Support"],
            "popular": True,
            "trialDays": 14,
        },
        {"name": "max", "displayName": "Max", "price": 9900, "limit": "unlimited"},
    ],
}
STORE: Mapping[str, Any] = {
    "mode": "test",
    "projectName": "Mugs",
    "projectType": "store",
    "tiers": [
        {"name": "mug", "displayName": "Mug", "price": 1200, "inventory": 5, "imageUrl": "https://example.com/mug.png"}
    ],
}


def assert_one_project(developer: Developer, stripe: StripeControls, body: Mapping[str, Any]) -> None:
    """Exactly one project, with all its tiers, one key, one Stripe product and price per paid tier, and no open draft."""
    stack, account = developer.stack, developer.accounts[body["mode"]]
    (project,) = stack.d1("SELECT * FROM projects WHERE platformId = ?1", developer.platform_id)
    tiers = stack.d1("SELECT * FROM tiers WHERE publishableKey = ?1 ORDER BY position", project["publishableKey"])
    assert [tier["name"] for tier in tiers] == [tier["name"] for tier in body["tiers"]]
    assert len(stack.d1("SELECT 1 FROM api_keys WHERE publishableKey = ?1", project["publishableKey"])) == 1
    assert not stack.d1(
        "SELECT 1 FROM project_drafts WHERE platformId = ?1 AND settledAt IS NULL", developer.platform_id
    )
    paid = {tier["name"]: tier for tier in tiers if tier["price"] > 0}
    products = stripe.api("GET", "products", account, body["mode"], limit=100)["data"]
    prices = stripe.api("GET", "prices", account, body["mode"], limit=100)["data"]
    assert sorted(product["id"] for product in products) == sorted(tier["productId"] for tier in paid.values())
    assert sorted(price["id"] for price in prices) == sorted(tier["priceId"] for tier in paid.values())
    assert all(product["active"] for product in products)
    assert {product["metadata"]["publishableKey"] for product in products} == {project["publishableKey"]}
    assert {product["metadata"]["tierName"] for product in products} == set(paid)


def test_a_saas_project_is_made_with_products_tiers_and_keys(stack: Stack, stripe: StripeControls) -> None:
    developer = make_developer(stack, stripe)
    answer = developer.post("/create-products", SAAS)
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert keys.is_well_formed(made["publishableKey"], "pk")
    assert keys.is_well_formed(made["secretKey"], "sk")
    assert {made[name] for name in ("mode", "projectType", "projectName")} == {"test", "saas", "Notes"}
    assert [product["tier"] for product in made["products"]] == ["free", "pro", "max"]
    assert made["products"][0] == {"tier": "free", "priceId": None, "productId": None}
    assert_one_project(developer, stripe, SAAS)
    price = stripe.api("GET", f"prices/{made['products'][1]['priceId']}", developer.accounts["test"])
    assert (price["unit_amount"], price["currency"], price["recurring"]["interval"]) == (2900, "usd", "month")
    actions = stack.d1("SELECT action FROM audit_log WHERE publishableKey = ?1", made["publishableKey"])
    assert {row["action"] for row in actions} == {"project.created", "key.created"}

    headers = {"Authorization": f"Bearer {made['secretKey']}"}
    tiers = httpx.get(f"{stack.url('api-multi')}/api/tiers", headers=headers).json()["tiers"]
    assert [(tier["name"], tier["limit"], tier["popular"], tier["trialDays"]) for tier in tiers] == [
        ("free", 100, False, 0),
        ("pro", 5000, True, 14),
        ("max", "unlimited", False, 0),
    ]


def test_a_store_project_sells_once(stack: Stack, stripe: StripeControls) -> None:
    developer = make_developer(stack, stripe)
    made = developer.post("/create-products", STORE).json()
    assert_one_project(developer, stripe, STORE)
    price = stripe.api("GET", f"prices/{made['products'][0]['priceId']}", developer.accounts["test"])
    assert (price["unit_amount"], price["recurring"]) == (1200, None)
    (tier,) = developer.request("GET", f"/tiers?publishableKey={made['publishableKey']}").json()["tiers"]
    assert (tier["billingMode"], tier["inventory"], tier["soldOut"]) == ("one_off", 5, False)


def test_every_wrong_field_is_named_and_nothing_is_made(stack: Stack, stripe: StripeControls) -> None:
    developer = make_developer(stack, stripe)
    bad = {
        "mode": "prod",
        "projectName": "",
        "projectType": "saas",
        "tiers": [
            {"name": "Free Plan", "displayName": "", "price": 9.99, "limit": "lots", "billingMode": "one_off"},
            {
                "name": "b",
                "displayName": "B",
                "price": -1,
                "limit": -1,
                "trialDays": 9999,
                "imageUrl": "javascript:alert(1)",
                "inventory": 1.5,
                "features": "x" * 300,
                "popular": "yes",
                "description": 5,
            },
            "c",
        ],
    }
    answer = developer.post("/create-products", bad)
    assert answer.status_code == 400
    first = ("name", "displayName", "price", "limit", "billingMode")
    second = ("price", "limit", "trialDays", "imageUrl", "inventory", "features", "popular", "description")
    assert set(answer.json()["fields"]) == {
        "mode",
        "projectName",
        *(f"tiers[0].{name}" for name in first),
        *(f"tiers[1].{name}" for name in second),
        "tiers[2]",
    }
    twice = {**SAAS, "tiers": [SAAS["tiers"][0], {**SAAS["tiers"][1], "name": "free", "displayName": "FREE"}]}
    assert set(developer.post("/create-products", twice).json()["fields"]) == {"tiers[1].name", "tiers[1].displayName"}
    for tiers in ([], None, SAAS["tiers"] * 7, {}):
        assert set(developer.post("/create-products", {**SAAS, "tiers": tiers}).json()["fields"]) == {"tiers"}
    assert set(developer.post("/create-products", {}).json()["fields"]) == {
        "mode",
        "projectName",
        "projectType",
        "tiers",
    }
    assert not stripe.api("GET", "products", developer.accounts["test"])["data"]
    assert not stack.d1("SELECT 1 FROM project_drafts WHERE platformId = ?1", developer.platform_id)


def test_paid_tiers_need_a_connected_account_and_free_ones_do_not(stack: Stack, stripe: StripeControls) -> None:
    developer = make_developer(stack, stripe, connected=())
    refused = developer.post("/create-products", SAAS)
    assert (refused.status_code, refused.json()["code"]) == (409, "stripe_not_connected")
    free = developer.post("/create-products", {**SAAS, "tiers": SAAS["tiers"][:1]})
    assert free.status_code == 200
    assert free.json()["products"] == [{"tier": "free", "priceId": None, "productId": None}]


def test_who_has_not_paid_creates_nothing(stack: Stack, stripe: StripeControls) -> None:
    for developer in (
        make_developer(stack, stripe, paid=False),
        make_developer(stack, stripe, platform=False),
    ):
        refused = developer.post("/create-products", SAAS)
        assert (refused.status_code, refused.json()["code"]) == (402, "payment_required")
    assert httpx.post(f"{stack.url('oauth-api')}/create-products", json=SAAS).status_code == 401


def test_equal_calls_at_once_make_one_project_and_show_the_same_keys(stack: Stack, stripe: StripeControls) -> None:
    developer = make_developer(stack, stripe)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: developer.post("/create-products", SAAS), range(6)))
    made = [answer.json() for answer in answers if answer.status_code == 200]
    assert made, [answer.text for answer in answers]
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert len({(each["publishableKey"], each["secretKey"]) for each in made}) == 1
    assert_one_project(developer, stripe, SAAS)


def test_other_idempotency_keys_make_other_projects(stack: Stack, stripe: StripeControls) -> None:
    developer = make_developer(stack, stripe)
    first = developer.post("/create-products", SAAS, **{"Idempotency-Key": "one"})
    again = developer.post("/create-products", SAAS, **{"Idempotency-Key": "one"})
    other = developer.post("/create-products", SAAS, **{"Idempotency-Key": "two"})
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert other.json()["publishableKey"] != first.json()["publishableKey"]
    reused = developer.post("/create-products", STORE, **{"Idempotency-Key": "one"})
    assert (reused.status_code, reused.json()["code"]) == (409, "idempotency_key_reused")


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 500, "after": True}, {"status": 429}])
@pytest.mark.parametrize("path", ["/v1/products", "/v1/prices"])
def test_what_stripe_failed_at_is_finished_by_the_retry(
    stack: Stack, stripe: StripeControls, path: str, fault: Mapping[str, Any]
) -> None:
    developer = make_developer(stack, stripe)
    stripe.control("faults", {"method": "POST", "path": path, "times": 3, **fault})
    try:
        failed = developer.post("/create-products", SAAS)
    finally:
        stripe.clear("faults")
    assert failed.status_code in (200, 502, 503), failed.text
    if failed.status_code != 200:
        assert not stack.d1("SELECT 1 FROM projects WHERE platformId = ?1", developer.platform_id)
    finished = developer.post("/create-products", SAAS)
    assert finished.status_code == 200, finished.text
    assert_one_project(developer, stripe, SAAS)


def test_what_stripe_refuses_leaves_nothing_on_sale(stack: Stack, stripe: StripeControls) -> None:
    developer = make_developer(stack, stripe)
    stripe.control("faults", {"method": "POST", "path": "/v1/prices", "times": 1, "status": 400})
    try:
        refused = developer.post("/create-products", SAAS)
    finally:
        stripe.clear("faults")
    assert (refused.status_code, refused.json()["code"]) == (422, "stripe_refused"), refused.text
    stack.run_scheduled("front-auth-api")
    assert not stack.d1("SELECT 1 FROM project_drafts WHERE platformId = ?1", developer.platform_id)
    assert not stack.d1("SELECT 1 FROM projects WHERE platformId = ?1", developer.platform_id)
    products = stripe.api("GET", "products", developer.accounts["test"], limit=100)["data"]
    owed = stack.d1("SELECT subject FROM outbox WHERE kind = 'archive_product'")
    assert all(not product["active"] or {"subject": product["id"]} in owed for product in products)


STEPS = ("opened", "pro:product", "pro:price", "max:product", "max:price", "made", "stored")


def test_a_call_that_is_killed_at_any_step_is_finished_by_its_retry(stack: Stack, stripe: StripeControls) -> None:
    keyed = ("pro:price", "made", "stored")
    attempts = [
        (f"create-products:{step}", make_developer(stack, stripe), headers)
        for step, headers in (
            *((step, dict[str, str]()) for step in STEPS),
            *((step, {"Idempotency-Key": f"key-{step}"}) for step in keyed),
        )
    ]
    kill_during(
        stack,
        "oauth-api",
        [
            (checkpoint, partial(developer.post, "/create-products", SAAS, **headers))
            for checkpoint, developer, headers in attempts
        ],
    )
    for checkpoint, developer, headers in attempts:
        finished = developer.post("/create-products", SAAS, **headers)
        assert finished.status_code == 200, (checkpoint, finished.text)
        assert_one_project(developer, stripe, SAAS)
        credential = {"Authorization": f"Bearer {finished.json()['secretKey']}"}
        assert httpx.get(f"{stack.url('api-multi')}/api/tiers", headers=credential).status_code == 200, checkpoint


def test_what_nobody_came_back_for_is_archived_after_a_day(stack: Stack, stripe: StripeControls) -> None:
    developer, other = make_developer(stack, stripe), make_developer(stack, stripe)
    kept = developer.post("/create-products", STORE).json()["products"][0]["productId"]
    kill_during(
        stack,
        "oauth-api",
        [("create-products:made", partial(who.post, "/create-products", SAAS)) for who in (developer, other)],
    )
    assert len(stripe.api("GET", "products", developer.accounts["test"], active="true")["data"]) == 3
    later = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+10 hours')"
    stack.d1(f"UPDATE project_drafts SET createdAt = {later} WHERE platformId = ?1", other.platform_id)
    clock = f"{stack.url('front-auth-api')}/_devstack/clock"
    httpx.post(clock, json={"offsetSeconds": 26 * 3600}).raise_for_status()
    try:
        stack.run_scheduled("front-auth-api")  # finds what was made
        stack.run_scheduled("front-auth-api")  # archives it
    finally:
        httpx.post(clock, json={"offsetSeconds": 0}).raise_for_status()
    unfinished = "SELECT platformId FROM project_drafts WHERE settledAt IS NULL AND platformId IN (?1, ?2)"
    assert stack.d1(unfinished, developer.platform_id, other.platform_id) == [{"platformId": other.platform_id}]
    account = developer.accounts["test"]
    assert [each["id"] for each in stripe.api("GET", "products", account, active="true")["data"]] == [kept]
    assert len(stripe.api("GET", "products", other.accounts["test"], active="true")["data"]) == 2
