"""Makes platforms, projects and tiers straight in the stack's D1, so that each test has tenants of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dream.domain import keys
from dream.domain.keys import Mode
from dream.domain.platform_billing import FAR_AWAY
from tests.support.stack import Stack

CREATED = "2026-01-01T00:00:00.000Z"

SAAS_TIERS: tuple[Mapping[str, Any], ...] = (
    {"name": "free", "displayName": "Free Plan", "price": 0, "limit": 100},
    {"name": "pro", "displayName": "Pro Plan", "price": 2900, "limit": 1000},
    {"name": "unlimited", "displayName": "Unlimited", "price": 9900, "limit": None},
)


@dataclass(frozen=True)
class Tenant:
    """One project and the keys to it."""

    platform_id: str
    developer_id: str
    publishable_key: str
    secret_key: str
    mode: Mode

    @property
    def secret_key_hash(self) -> str:
        return keys.hash_secret(self.secret_key)

    def headers(self, user_id: str | None = None, **more: str) -> dict[str, str]:
        """A request's headers with the secret key, for a user when one is named."""
        named = {} if user_id is None else {"X-User-Id": user_id}
        return {"Authorization": f"Bearer {self.secret_key}", **named, **more}


def make_platform(stack: Stack, *, live_keys_until: str | None = FAR_AWAY) -> tuple[str, str]:
    """Platform id and Clerk user id of a new developer, who has paid by default."""
    platform_id, user_id = keys.make_id("plt", os.urandom), keys.make_id("user", os.urandom)
    stack.d1(
        "INSERT INTO platforms (platformId, clerkUserId, subscriptionStatus, liveKeysUntil, createdAt, updatedAt)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
        platform_id,
        user_id,
        "active" if live_keys_until == FAR_AWAY else None,
        live_keys_until,
        CREATED,
    )
    return platform_id, user_id


def make_tenant(
    stack: Stack,
    *,
    tiers: Sequence[Mapping[str, Any]] = SAAS_TIERS,
    project_type: str = "saas",
    mode: Mode = "test",
    platform: tuple[str, str] | None = None,
    live_keys_until: str | None = FAR_AWAY,
) -> Tenant:
    """A project with tiers and one secret key. By default it belongs to a new platform."""
    platform_id, user_id = platform or make_platform(stack, live_keys_until=live_keys_until)
    publishable_key = keys.make_key("pk", mode, os.urandom)
    stack.d1(
        "INSERT INTO projects (publishableKey, platformId, name, projectType, mode, createdAt, updatedAt)"
        " VALUES (?1, ?2, 'A project', ?3, ?4, ?5, ?5)",
        publishable_key,
        platform_id,
        project_type,
        mode,
        CREATED,
    )
    billing_mode = "subscription" if project_type == "saas" else "one_off"
    for position, tier in enumerate(tiers):
        columns = {
            "publishableKey": publishable_key,
            "displayName": tier["name"].title(),
            "billingMode": billing_mode,
            "position": position,
            "createdAt": CREATED,
            "updatedAt": CREATED,
            **tier,
        }
        columns["features"] = json.dumps(columns.get("features", []))
        names = ", ".join(f'"{name}"' for name in columns)
        marks = ", ".join(f"?{index}" for index in range(1, len(columns) + 1))
        stack.d1(f"INSERT INTO tiers ({names}) VALUES ({marks})", *columns.values())
    return Tenant(platform_id, user_id, publishable_key, add_secret_key(stack, publishable_key, mode), mode)


def add_secret_key(stack: Stack, publishable_key: str, mode: Mode, *, expires_at: str | None = None) -> str:
    """One more secret key of a project; with `expires_at`, one in its grace time."""
    secret_key = keys.make_key("sk", mode, os.urandom)
    stack.d1(
        "INSERT INTO api_keys (secretKeyHash, publishableKey, secretKeyEncrypted, secretKeyMasked, expiresAt, createdAt)"
        " VALUES (?1, ?2, 'sealed elsewhere', ?3, ?4, ?5)",
        keys.hash_secret(secret_key),
        publishable_key,
        keys.mask(secret_key),
        expires_at,
        CREATED,
    )
    return secret_key
