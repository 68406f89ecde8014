"""No secret is at rest in plain text: not in D1, KV or R2, not in the logs, whatever is done with it. In workerd."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from devstack.stack.stack import Stack
from tests.support.clerk_controls import ClerkControls
from tests.support.developers import make_developer
from tests.support.stripe_accounts import StripeControls

SAAS: dict[str, Any] = {
    "mode": "test",
    "projectName": "Notes",
    "projectType": "saas",
    "tiers": [{"name": "free", "displayName": "Free", "price": 0, "limit": 100}],
}
STAND_INS = ("clerk.sqlite", "stripe.sqlite")
"""The vendors' own stores, which have to know what they hand out."""


def files(stack: Stack) -> list[Path]:
    """All that the stack wrote, but for what the vendors keep."""
    return [file for file in stack.folder.rglob("*") if file.is_file() and not file.name.startswith(STAND_INS)]


def holding(stack: Stack, secret: str) -> list[str]:
    """The files in which the secret stands."""
    wanted = secret.encode()
    return [str(file.relative_to(stack.folder)) for file in files(stack) if wanted in file.read_bytes()]


def test_keys_and_tokens_are_nowhere_in_plain_text(stack: Stack, stripe: StripeControls) -> None:
    developer = make_developer(stack, stripe, connected=("test", "live"))
    clerk = ClerkControls(stack)
    secrets: dict[str, str] = {"developer token": developer.token}

    made = developer.post("/create-products", SAAS, **{"Idempotency-Key": "secrets"})
    assert made.status_code == 200, made.text
    publishable_key = made.json()["publishableKey"]
    secrets["secret key"] = made.json()["secretKey"]
    assert developer.post("/create-products", SAAS, **{"Idempotency-Key": "secrets"}).json() == made.json()

    rotation = {"publishableKey": publishable_key, "gracePeriodSeconds": 600}
    rotated = developer.request(
        "POST", "/projects/rotate-key", rotation, worker="front-auth-api", headers={"Idempotency-Key": "secrets"}
    )
    secrets["rotated key"] = rotated.json()["secretKey"]
    live = developer.post("/promote-to-live", {"publishableKey": publishable_key})
    secrets["live key"] = live.json()["secretKey"]
    for _ in range(2):
        shown = developer.request("GET", "/get-credentials", worker="front-auth-api").json()
        assert (shown["testSecretKey"], shown["liveSecretKey"]) == (secrets["rotated key"], secrets["live key"])
    ticket = developer.post("/authorize", {"mode": "test"}).json()["url"].partition("ticket=")[2]
    secrets["connect ticket"] = ticket

    user_id = clerk.make_user("endUsersTest")
    secrets["end user token"] = clerk.token("endUsersTest", user_id)
    clerk.close()
    api = stack.url("api-multi")
    for key in (secrets["secret key"], secrets["rotated key"], secrets["live key"]):
        headers = {"Authorization": f"Bearer {key}", "X-User-Id": "user_1", "Idempotency-Key": "secrets"}
        for path in ("/api/data", "/api/data?key=value"):
            assert httpx.post(f"{api}{path}", headers=headers, json={}).status_code in (200, 409)
        assert httpx.get(f"{api}/api/tiers", headers=headers).status_code == 200
    as_user = {"X-Publishable-Key": publishable_key, "X-Clerk-Token": secrets["end user token"]}
    assert httpx.post(f"{api}/api/data", headers=as_user, json={}).status_code == 200
    wrong = {"Authorization": f"Bearer {secrets['secret key'][:-1]}!", "X-User-Id": "user_1"}
    assert httpx.post(f"{api}/api/data", headers=wrong, json={}).status_code == 401
    stack.run_scheduled("front-auth-api")

    scanned = {str(file.relative_to(stack.folder)) for file in files(stack)}
    for store in ("storage/d1", "storage/kv", "dev.log"):
        assert any(name.startswith(store) for name in scanned), f"{store} was not scanned"
    assert holding(stack, publishable_key), "what is public is found, so the scan sees what is there"
    assert {name: holding(stack, secret) for name, secret in secrets.items() if holding(stack, secret)} == {}
