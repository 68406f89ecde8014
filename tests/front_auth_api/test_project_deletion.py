"""`DELETE /projects/{publishableKey}`: nothing of the project is left in D1, R2 and at Stripe, even after a failure or a crash."""

from __future__ import annotations

import httpx
import pytest

from tests.support.developers import Developer
from tests.support.in_process.stack import InProcessStack
from tests.support.killing import die_at
from tests.support.stack import Stack
from tests.support.stripe_accounts import Saas, StripeControls, make_saas

WORKER = "front-auth-api"


@pytest.fixture
def saas(stack: Stack, stripe: StripeControls, developer: Developer) -> Saas:
    platform = (developer.platform_id, developer.user_id)
    return make_saas(stack, stripe, platform=platform, account=developer.accounts["test"])


def count(stack: Stack, secret_key: str) -> int:
    """Status of a counted call with the key at api-multi."""
    headers = {"Authorization": f"Bearer {secret_key}", "X-User-Id": "user_1"}
    return stack.http("api-multi").post("/api/data", headers=headers, json={}).status_code


def test_a_deleted_project_leaves_nothing_behind(
    stack: Stack, stripe: StripeControls, developer: Developer, saas: Saas, api: httpx.Client
) -> None:
    tenant = saas.tenant
    session = api.post("/api/create-checkout", json={"tier": "pro"}, headers=tenant.headers("user_subscribed")).json()
    subscription_id = stripe.pay(session["sessionId"])["subscription"]
    open_session = api.post("/api/create-checkout", json={"tier": "pro"}, headers=tenant.headers("user_buying")).json()
    stripe.drained()
    image = b"\x89PNG\r\n\x1a\n" + tenant.publishable_key.encode()
    headers = {"Authorization": f"Bearer {developer.token}"}
    files = {"file": ("a.png", image, "image/png")}
    uploaded = stack.http(WORKER).post("/upload-asset", headers=headers, files=files).json()
    stack.d1(
        "UPDATE tiers SET imageUrl = ?2 WHERE publishableKey = ?1 AND name = 'pro'",
        tenant.publishable_key,
        uploaded["url"],
    )
    assert stack.http(WORKER).get(uploaded["url"]).status_code == 200
    assert count(stack, tenant.secret_key) == 200

    answer = developer.front_auth("DELETE", f"/projects/{tenant.publishable_key}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["deleted"]["publishableKey"] == tenant.publishable_key
    assert count(stack, tenant.secret_key) == 401
    for table in ("projects", "api_keys", "tiers", "end_users", "subscriptions", "usage_counts", "project_totals"):
        assert stack.d1(f"SELECT 1 FROM {table} WHERE publishableKey = ?1", tenant.publishable_key) == [], table
    stack.run_scheduled(WORKER)
    stripe.drained()
    for product_id in saas.products.values():
        assert stripe.api("GET", f"products/{product_id}", saas.account)["active"] is False
    assert stripe.api("GET", f"subscriptions/{subscription_id}", saas.account)["status"] == "canceled"
    assert stripe.api("GET", f"checkout/sessions/{open_session['sessionId']}", saas.account)["status"] == "expired"
    assert stack.http(WORKER).get(uploaded["url"]).status_code == 404
    assert developer.front_auth("DELETE", f"/projects/{tenant.publishable_key}").status_code == 404
    assert developer.front_auth("GET", "/projects").json()["projects"] == []


def test_what_stripe_refuses_at_a_deletion_is_tried_again(
    stack: Stack, stripe: StripeControls, developer: Developer, saas: Saas
) -> None:
    enqueued = "SELECT lastError FROM outbox WHERE kind = 'archive_product' AND subject = ?1"
    stripe.control("faults", {"method": "POST", "path": "/v1/products/*", "times": 50, "status": 503})
    try:
        assert developer.front_auth("DELETE", f"/projects/{saas.tenant.publishable_key}").status_code == 200
        for product_id in saas.products.values():
            assert stack.d1(enqueued, product_id)[0]["lastError"]
    finally:
        stripe.clear("faults")
    for product_id in saas.products.values():
        stack.d1("UPDATE outbox SET nextAttemptAt = createdAt WHERE subject = ?1", product_id)
    stack.run_scheduled(WORKER)
    for product_id in saas.products.values():
        assert stripe.api("GET", f"products/{product_id}", saas.account)["active"] is False
        assert stack.d1(enqueued, product_id) == []


def test_a_deletion_that_dies_is_finished_by_the_schedule(
    stack: InProcessStack, stripe: StripeControls, developer: Developer, saas: Saas
) -> None:
    path = f"/projects/{saas.tenant.publishable_key}"
    assert count(stack, saas.tenant.secret_key) == 200
    die_at(stack, WORKER, "delete-project:committed", lambda: developer.front_auth("DELETE", path))
    assert count(stack, saas.tenant.secret_key) == 401
    assert developer.front_auth("DELETE", path).status_code == 404
    stack.run_scheduled(WORKER)
    for product_id in saas.products.values():
        assert stripe.api("GET", f"products/{product_id}", saas.account)["active"] is False
