"""Guarantee: a count never passes its limit, however calls interleave and repeat. tests/workerd shows the races on the real D1 too."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pytest

from tests.support.stack import Stack
from tests.support.tenants import Tenant, make_tenant


def post(stack: Stack, headers: Mapping[str, str], body: Any = None) -> httpx.Response:
    return stack.http("api-multi").post("/api/data", headers=headers, json=body)


def usage_of(stack: Stack, tenant: Tenant, user_id: str) -> dict[str, Any]:
    answer = stack.http("api-multi").get("/api/usage", headers=tenant.headers(user_id))
    assert answer.status_code == 200, answer.text
    return answer.json()


def post_all(stack: Stack, requests: Sequence[tuple[Mapping[str, str], Any]]) -> list[httpx.Response]:
    """All requests at once."""
    client = stack.http("api-multi")
    return stack.at_once(
        [client.build_request("POST", "/api/data", headers=head, json=body) for head, body in requests]
    )


def test_of_200_parallel_calls_a_limit_of_100_lets_exactly_100_through(stack: Stack, tenant: Tenant) -> None:
    answers = post_all(stack, [(tenant.headers("parallel"), {})] * 200)
    assert Counter(answer.status_code for answer in answers) == {200: 100, 403: 100}
    assert sorted(a.json()["usage"]["count"] for a in answers if a.status_code == 200) == list(range(1, 101))
    assert usage_of(stack, tenant, "parallel")["usageCount"] == 100


@pytest.mark.parametrize("seed", range(3))
def test_a_mix_of_quantities_never_passes_the_limit(stack: Stack, tenant: Tenant, seed: int) -> None:
    quantities = random.Random(seed).choices([1, 2, 3, 5, 8, 13, 40, 101], k=80)
    user = f"mixed-{seed}"
    answers = post_all(stack, [(tenant.headers(user), {"quantity": quantity}) for quantity in quantities])
    let_through = sum(q for q, a in zip(quantities, answers, strict=True) if a.status_code == 200)
    assert let_through <= 100
    assert usage_of(stack, tenant, user)["usageCount"] == let_through
    refused = [q for q, a in zip(quantities, answers, strict=True) if a.status_code == 403]
    assert refused, "the mix was meant to pass the limit"
    assert min(refused) > 100 - let_through, "a call that still fitted was refused"


def test_50_parallel_calls_with_one_idempotency_key_count_once_and_get_one_body(stack: Stack, tenant: Tenant) -> None:
    headers = tenant.headers("retrying", **{"Idempotency-Key": "call-1"})
    answers = post_all(stack, [(headers, {"quantity": 3})] * 50)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert usage_of(stack, tenant, "retrying")["usageCount"] == 3


def test_a_refused_call_explains_itself_and_its_retry_gets_the_same_answer(stack: Stack, tenant: Tenant) -> None:
    assert post(stack, tenant.headers("refused"), {"quantity": 100}).status_code == 200
    headers = tenant.headers("refused", **{"Idempotency-Key": "refused-1"})
    first, again = post(stack, headers), post(stack, headers)
    assert first.status_code == again.status_code == 403
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["X-Request-Id"] == first.json()["requestId"]
    body = first.json()
    assert body["error"] == "Tier limit reached"
    assert body["code"] == "tier_limit_reached"
    assert body["allowed"] is False
    assert (body["usageCount"], body["limit"], body["usage"]["remaining"]) == (100, 100, 0)
    assert body["resetsAt"] == body["usage"]["periodEnd"]
    assert body["upgrade"] == {"tier": "pro", "price": 2900}


def test_one_key_with_another_body_is_409(stack: Stack, tenant: Tenant) -> None:
    headers = tenant.headers("reusing", **{"Idempotency-Key": "reused"})
    assert post(stack, headers, {"quantity": 1}).status_code == 200
    answer = post(stack, headers, {"quantity": 2})
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert usage_of(stack, tenant, "reusing")["usageCount"] == 1


def test_a_key_of_another_route_is_409(stack: Stack, tenant: Tenant) -> None:
    headers = {**tenant.headers("u"), "Idempotency-Key": "one-key"}
    assert stack.http("api-multi").post("/api/customer-portal", headers=headers, json={}).status_code == 409
    answer = post(stack, headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert usage_of(stack, tenant, "u")["usageCount"] == 0


def test_an_unlimited_plan_counts_and_says_unlimited(stack: Stack, tenant: Tenant) -> None:
    headers = tenant.headers("boundless", **{"X-User-Plan": "unlimited"})
    usage = post(stack, headers, {"quantity": 1_000_000}).json()["usage"]
    assert (usage["count"], usage["limit"], usage["remaining"]) == (1_000_000, "unlimited", "unlimited")


def test_the_plan_header_takes_a_display_name_and_refuses_an_unknown_one(stack: Stack, tenant: Tenant) -> None:
    named = post(stack, tenant.headers("named", **{"X-User-Plan": "Pro Plan"}))
    assert named.json()["usage"]["plan"] == "pro"
    unknown = post(stack, tenant.headers("named", **{"X-User-Plan": "platinum"}))
    assert (unknown.status_code, unknown.json()["code"]) == (400, "unknown_plan")


def test_an_unknown_user_is_provisioned_on_the_default_tier(stack: Stack, tenant: Tenant) -> None:
    assert post(stack, tenant.headers("newcomer")).json()["usage"]["plan"] == "free"
    rows = stack.d1(
        "SELECT plan FROM end_users WHERE publishableKey = ?1 AND clerkUserId = 'newcomer'", tenant.publishable_key
    )
    assert rows == [{"plan": None}]


def test_the_cheapest_tier_is_the_default_where_none_is_named_free(stack: Stack) -> None:
    tenant = make_tenant(
        stack,
        tiers=[{"name": "gold", "price": 900, "limit": 9}, {"name": "silver", "price": 100, "limit": 5}],
    )
    assert post(stack, tenant.headers("u")).json()["usage"]["plan"] == "silver"


def test_of_two_default_tiers_counts_and_pages_of_customers_take_the_same_one(stack: Stack) -> None:
    tiers = [{"name": "zeta", "price": 500, "limit": 2}, {"name": "alpha", "price": 500, "limit": 1}]
    tenant = make_tenant(stack, tiers=tiers)
    assert post(stack, tenant.headers("u")).json()["usage"]["plan"] == "alpha"
    for plan, users in (("alpha", ["u"]), ("zeta", [])):
        answer = stack.http("api-multi").get("/api/customers", params={"plan": plan}, headers=tenant.headers())
        assert [each["id"] for each in answer.json()["customers"]] == users


def test_a_subscription_decides_plan_and_period_and_gives_them_back_when_it_ends(stack: Stack, tenant: Tenant) -> None:
    subscribe(stack, tenant, "subscriber", "active")
    headers = tenant.headers("subscriber", **{"X-User-Plan": "unlimited"})
    usage = post(stack, headers).json()["usage"]
    assert usage["plan"] == "pro", "a subscription comes before the header"
    assert (usage["periodStart"], usage["periodEnd"]) == ("2026-11-10T08:00:00.000Z", "2026-12-10T08:00:00.000Z")
    stack.d1("UPDATE subscriptions SET status = 'canceled', endedAt = '2026-11-20' WHERE userId = 'subscriber'")
    assert post(stack, tenant.headers("subscriber")).json()["usage"]["plan"] == "free"


def test_a_past_due_subscription_entitles_for_its_grace_time_only(stack: Stack, tenant: Tenant) -> None:
    subscribe(stack, tenant, "late", "past_due", past_due_since="9998-01-01T00:00:00.000Z")
    subscribe(stack, tenant, "too-late", "past_due", past_due_since="2026-01-01T00:00:00.000Z")
    assert post(stack, tenant.headers("late")).json()["usage"]["plan"] == "pro"
    assert post(stack, tenant.headers("too-late")).json()["usage"]["plan"] == "free"


def test_a_new_period_starts_at_zero(stack: Stack, tenant: Tenant) -> None:
    assert post(stack, tenant.headers("patient"), {"quantity": 100}).status_code == 200
    assert post(stack, tenant.headers("patient")).status_code == 403
    clock = stack.http("api-multi")
    clock.post("/_devstack/clock", json={"offsetSeconds": 32 * 24 * 3600})
    assert post(stack, tenant.headers("patient")).json()["usage"]["count"] == 1
    clock.post("/_devstack/clock", json={"offsetSeconds": 0})
    assert usage_of(stack, tenant, "patient")["usageCount"] == 100


def test_reading_usage_counts_nothing_and_provisions_a_newcomer(stack: Stack, tenant: Tenant) -> None:
    usage_of(stack, tenant, "reader")
    answer = usage_of(stack, tenant, "reader")
    assert answer["usageCount"] == 0
    assert answer["usage"]["usageCount"] == 0
    known = stack.d1(
        "SELECT 1 FROM end_users WHERE publishableKey = ?1 AND clerkUserId = 'reader'", tenant.publishable_key
    )
    assert known


def test_usage_by_day_adds_up_to_what_was_counted(stack: Stack) -> None:
    tenant = make_tenant(stack)
    post_all(stack, [(tenant.headers(f"user-{n % 4}"), {"quantity": 7}) for n in range(80)])
    counted = stack.d1(
        "SELECT sum(usageCount) AS n FROM usage_counts WHERE publishableKey = ?1", tenant.publishable_key
    )
    by_day = stack.d1("SELECT sum(usageCount) AS n FROM usage_days WHERE publishableKey = ?1", tenant.publishable_key)
    assert counted == by_day == [{"n": 4 * 98}]


def test_two_projects_count_the_same_user_apart(stack: Stack, tenant: Tenant) -> None:
    other = make_tenant(stack)
    assert post(stack, tenant.headers("shared-name"), {"quantity": 60}).json()["usage"]["count"] == 60
    assert post(stack, other.headers("shared-name"), {"quantity": 60}).json()["usage"]["count"] == 60


def test_a_store_project_has_no_limit_to_count_against(stack: Stack) -> None:
    store = make_tenant(stack, project_type="store", tiers=[{"name": "mug", "price": 1200, "inventory": 3}])
    answer = post(stack, store.headers("u"))
    assert (answer.status_code, answer.json()["code"]) == (422, "no_tiers")


def subscribe(stack: Stack, tenant: Tenant, user: str, status: str, past_due_since: str | None = None) -> None:
    stack.d1(
        "INSERT INTO subscriptions (publishableKey, userId, subscriptionId, stripeCustomerId, status, plan, priceId, amount,"
        " currency, currentPeriodStart, currentPeriodEnd, pastDueSince, createdAt, updatedAt)"
        " VALUES (?1, ?2, ?3, ?4, ?5, 'pro', 'price_pro', 2900, 'usd', '2026-11-10T08:00:00.000Z',"
        " '2026-12-10T08:00:00.000Z', ?6, '2026-11-10', '2026-11-10')",
        tenant.publishable_key,
        user,
        f"sub_{tenant.publishable_key[-8:]}_{user}",
        f"cus_{user}",
        status,
        past_due_since,
    )
