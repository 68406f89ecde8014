"""`GET /get-credentials`: the keys of a developer's project in both modes, for display, and what it sells."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from dream.auth.principal import Developer
from dream.crypto.sealing import SealBroken, is_current
from dream.crypto.secret_keys import reveal
from dream.db import api_keys, owned_projects, tiers
from dream.domain.keys import Mode
from dream.errors import NotFound
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.kv import shown_keys
from dream.kv.shown_keys import ShownKey
from dream.runtime.bindings import Row
from dream.runtime.context import Context
from front_auth_api.handlers.platforms import platform_of


async def get_credentials(context: Context, request: Request, developer: Developer) -> Response:
    """Of the newest project of each mode, or of the one that `publishableKey` names with its twin in the other mode."""
    platform = await platform_of(context, developer)
    projects, keys = await context.db.batch(
        [
            owned_projects.list_of_platform(platform.platform_id),
            api_keys.list_of_platform(platform.platform_id, context.now()),
        ]
    )
    test, live = _chosen(projects, request.query.get("publishableKey"))
    (test_key, test_products), (live_key, live_products) = await asyncio.gather(
        _shown(context, developer, test, keys), _shown(context, developer, live, keys)
    )
    return json_response(
        {
            "platformId": platform.platform_id,
            "publishableKey": _key_of(live) or _key_of(test),
            "testPublishableKey": _key_of(test),
            "testSecretKey": test_key,
            "livePublishableKey": _key_of(live),
            "liveSecretKey": live_key,
            "testProducts": test_products,
            "liveProducts": live_products,
        }
    )


def _chosen(projects: Sequence[Row], named: str | None) -> tuple[Row | None, Row | None]:
    """The test and the live project to show. `projects` has the newest of each mode first. Raises NotFound."""
    if named is None:
        newest = {project["mode"]: project for project in reversed(projects)}
        return newest.get("test"), newest.get("live")
    chosen = next((project for project in projects if project["publishableKey"] == named), None)
    if chosen is None:
        raise NotFound()
    if chosen["mode"] == "test":
        live = next((project for project in projects if project["testPublishableKey"] == named), None)
        return chosen, live
    test = next((each for each in projects if each["publishableKey"] == chosen["testPublishableKey"]), None)
    return test, chosen


def _key_of(project: Row | None) -> str | None:
    return None if project is None else project["publishableKey"]


async def _shown(
    context: Context, developer: Developer, project: Row | None, keys: Sequence[Row]
) -> tuple[str | None, list[dict[str, Any]]]:
    """The secret key in use and the tiers of one project."""
    if project is None:
        return None, []
    publishable_key: str = project["publishableKey"]
    secret_key, project_tiers = await asyncio.gather(
        _secret_key(context, developer, project["mode"], publishable_key, keys),
        tiers.list_of_project(context.db, publishable_key),
    )
    return secret_key, [{"tier": tier.name, **tier.to_json()} for tier in project_tiers]


async def _secret_key(
    context: Context, developer: Developer, mode: Mode, publishable_key: str, keys: Sequence[Row]
) -> str | None:
    """The plain key that is in use now; None when there is none, or none that can be shown again."""
    current = next((k for k in keys if k["publishableKey"] == publishable_key and k["expiresAt"] is None), None)
    if current is None:
        return None
    secret_key_hash: str = current["secretKeyHash"]
    cached = await shown_keys.read(context.kv, developer.user_id, mode)
    if cached is not None and cached.secret_key_hash == secret_key_hash and is_current(context, cached.sealed):
        sealed = cached.sealed
    else:
        sealed = await api_keys.sealed_key(context.db, publishable_key, secret_key_hash)
        if not sealed:
            return None
        fresh = ShownKey(secret_key_hash, sealed)
        context.wait_until(shown_keys.write(context.kv, developer.user_id, mode, fresh))
    try:
        return await reveal(context, {"secretKeyHash": secret_key_hash, "secretKeyEncrypted": sealed})
    except SealBroken as error:
        context.log.error("a secret key can't be shown", publishableKey=publishable_key, reason=str(error))
        return None
