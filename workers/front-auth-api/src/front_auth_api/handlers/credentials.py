"""`GET /get-credentials`: the keys of a developer's project in both modes, and its tiers, for the dashboard."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from dream.auth.principal import Developer
from dream.crypto.sealing import SealBroken, is_current
from dream.crypto.secret_keys import reveal
from dream.db import api_keys, owned_projects, tiers
from dream.db.owned_projects import ListedProject
from dream.domain.tiers import Tier
from dream.errors import NotFound
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.kv import shown_keys
from dream.kv.shown_keys import ShownKey
from dream.runtime.context import Context
from front_auth_api.handlers.platforms import platform_of


async def get_credentials(context: Context, request: Request, developer: Developer) -> Response:
    """The newest project of each mode, or the one that `publishableKey` names with its counterpart in the other mode."""
    platform = await platform_of(context, developer)
    projects = await owned_projects.list_of_platform(context.db, platform.platform_id, context.now())
    test, live = _chosen(projects, request.query.get("publishableKey"))
    (test_key, test_products), (live_key, live_products) = await asyncio.gather(
        _key_and_products(context, developer, test), _key_and_products(context, developer, live)
    )
    test_publishable_key, live_publishable_key = _publishable_key_of(test), _publishable_key_of(live)
    return json_response(
        {
            "platformId": platform.platform_id,
            "publishableKey": live_publishable_key or test_publishable_key,
            "testPublishableKey": test_publishable_key,
            "testSecretKey": test_key,
            "livePublishableKey": live_publishable_key,
            "liveSecretKey": live_key,
            "testProducts": test_products,
            "liveProducts": live_products,
        }
    )


def _chosen(projects: Sequence[ListedProject], named: str | None) -> tuple[ListedProject | None, ListedProject | None]:
    """The test project and the live project to show. `projects` has the newest of each mode first. Raises NotFound."""
    if named is None:
        newest = {each.project.mode: each for each in reversed(projects)}
        return newest.get("test"), newest.get("live")
    by_key = {each.project.publishable_key: each for each in projects}
    chosen = by_key.get(named)
    if chosen is None:
        raise NotFound()
    if chosen.project.mode == "test":
        return chosen, next((each for each in projects if each.project.test_publishable_key == named), None)
    return by_key.get(chosen.project.test_publishable_key or ""), chosen


def _publishable_key_of(listed: ListedProject | None) -> str | None:
    return None if listed is None else listed.project.publishable_key


async def _key_and_products(
    context: Context, developer: Developer, listed: ListedProject | None
) -> tuple[str | None, list[dict[str, Any]]]:
    """The current secret key and the tiers of one project."""
    if listed is None:
        return None, []
    secret_key, found = await asyncio.gather(
        _secret_key(context, developer, listed),
        tiers.list_of_project(context.db, listed.project.publishable_key),
    )
    return secret_key, [{"tier": tier.name, **tier.to_json()} for tier in map(Tier.from_row, found)]


async def _secret_key(context: Context, developer: Developer, listed: ListedProject) -> str | None:
    """The current secret key in plain text. None if there is none, or if it cannot be decrypted."""
    current = next((key for key in listed.keys if key.expires_at is None), None)
    if current is None:
        return None
    publishable_key, mode = listed.project.publishable_key, listed.project.mode
    secret_key_hash = current.secret_key_hash
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
        return await reveal(context, secret_key_hash, sealed)
    except SealBroken as error:
        context.log.error("a secret key can't be decrypted", publishableKey=publishable_key, reason=str(error))
        return None
