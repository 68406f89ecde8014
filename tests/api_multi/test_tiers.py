"""`GET /api/tiers`: the public price list of a project."""

from __future__ import annotations

import httpx

from tests.support.answers import assert_error
from tests.support.tenants import Tenant


def flipped(key: str) -> str:
    return key[:20] + ("a" if key[20] != "a" else "b") + key[21:]


def test_tiers_are_public_to_either_key(api: httpx.Client, tenant: Tenant) -> None:
    by_secret = api.get("/api/tiers", headers=tenant.headers())
    by_public = api.get("/api/tiers", headers={"X-Publishable-Key": tenant.publishable_key})
    assert by_secret.json() == by_public.json()
    tiers = by_public.json()["tiers"]
    assert [(t["id"], t["price"], t["limit"]) for t in tiers] == [
        ("free", 0, 100),
        ("pro", 2900, 1000),
        ("unlimited", 9900, "unlimited"),
    ]
    assert " ".join(sorted(tiers[0])) == (
        "billingMode currency description displayName features id imageUrl inventory limit name popular price priceId"
        " productId soldOut stripePriceId trialDays"
    )
    assert_error(api.get("/api/tiers"), 401, "unauthorized")
    assert_error(
        api.get("/api/tiers", headers={"X-Publishable-Key": flipped(tenant.publishable_key)}), 401, "invalid_api_key"
    )
