"""`POST /create-products`: one project, one product and one price per paid tier, if calls repeat, race or die."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from dream.domain import keys
from tests.support.created_projects import SAAS, STORE, assert_one_project
from tests.support.developers import make_developer
from tests.support.in_process.stack import InProcessStack
from tests.support.killing import die_at
from tests.support.stack import Stack
from tests.support.stripe_accounts import StripeControls

STEPS = ("opened", "pro:product", "pro:price", "max:product", "max:price", "made", "stored")


def test_a_saas_project_has_products_tiers_and_keys(stack: Stack, stripe: StripeControls) -> None:
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
    tiers = stack.http("api-multi").get("/api/tiers", headers=headers).json()["tiers"]
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


def test_one_answer_names_every_bad_field_and_nothing_is_created(stack: Stack, stripe: StripeControls) -> None:
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


def test_a_developer_who_has_not_paid_creates_nothing(stack: Stack, stripe: StripeControls) -> None:
    for developer in (
        make_developer(stack, stripe, paid=False),
        make_developer(stack, stripe, platform=False),
    ):
        refused = developer.post("/create-products", SAAS)
        assert (refused.status_code, refused.json()["code"]) == (402, "payment_required")
    assert stack.http("oauth-api").post("/create-products", json=SAAS).status_code == 401


def test_equal_calls_at_once_create_one_project_and_show_the_same_keys(stack: Stack, stripe: StripeControls) -> None:
    developer = make_developer(stack, stripe)
    answers = stack.at_once([developer.prepare("POST", "/create-products", SAAS) for _ in range(6)])
    made = [answer.json() for answer in answers if answer.status_code == 200]
    assert made, [answer.text for answer in answers]
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert len({(each["publishableKey"], each["secretKey"]) for each in made}) == 1
    assert_one_project(developer, stripe, SAAS)


def test_another_idempotency_key_creates_another_project(stack: Stack, stripe: StripeControls) -> None:
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
def test_a_call_that_stripe_fails_is_finished_by_its_retry(
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


def test_a_call_that_stripe_refuses_leaves_nothing_on_sale(stack: Stack, stripe: StripeControls) -> None:
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
    enqueued = stack.d1("SELECT subject FROM outbox WHERE kind = 'archive_product'")
    assert all(not product["active"] or {"subject": product["id"]} in enqueued for product in products)


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "one"}], ids=["without-key", "with-key"])
@pytest.mark.parametrize("step", STEPS)
def test_a_call_that_dies_at_any_step_is_finished_by_its_retry(
    stack: InProcessStack, stripe: StripeControls, step: str, headers: Mapping[str, str]
) -> None:
    developer = make_developer(stack, stripe)
    create = partial(developer.post, "/create-products", SAAS, **headers)
    die_at(stack, "oauth-api", f"create-products:{step}", create)
    finished = create()
    assert finished.status_code == 200, finished.text
    assert_one_project(developer, stripe, SAAS)
    credential = {"Authorization": f"Bearer {finished.json()['secretKey']}"}
    assert stack.http("api-multi").get("/api/tiers", headers=credential).status_code == 200


def test_a_draft_without_a_retry_is_archived_after_a_day(stack: InProcessStack, stripe: StripeControls) -> None:
    developer, other = make_developer(stack, stripe), make_developer(stack, stripe)
    kept = developer.post("/create-products", STORE).json()["products"][0]["productId"]
    for each in (developer, other):
        die_at(stack, "oauth-api", "create-products:made", partial(each.post, "/create-products", SAAS))
    assert len(stripe.api("GET", "products", developer.accounts["test"], active="true")["data"]) == 3
    later = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+10 hours')"
    stack.d1(f"UPDATE project_drafts SET createdAt = {later} WHERE platformId = ?1", other.platform_id)
    stack.clock.offset_seconds = 26 * 3600
    stack.run_scheduled("front-auth-api")  # finds what was made
    stack.run_scheduled("front-auth-api")  # archives it
    unfinished = "SELECT platformId FROM project_drafts WHERE settledAt IS NULL AND platformId IN (?1, ?2)"
    assert stack.d1(unfinished, developer.platform_id, other.platform_id) == [{"platformId": other.platform_id}]
    account = developer.accounts["test"]
    assert [each["id"] for each in stripe.api("GET", "products", account, active="true")["data"]] == [kept]
    assert len(stripe.api("GET", "products", other.accounts["test"], active="true")["data"]) == 2
