"""`/tiers`: what a project sells, changed without touching its keys. Subscribers keep the price that they subscribed at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dream.db import projects, stripe_tokens, tiers
from dream.domain.project_definitions import publishable_key_in
from dream.domain.tier_definitions import MAXIMUM_TIERS, TierDefinition, TierUpdates, parse_new_tier
from dream.domain.tiers import Tier, find_tier
from dream.errors import Conflict, InvalidFields, NotFound
from dream.http.idempotency import key_of
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime.bindings import Row
from dream.runtime.context import Context
from dream.services.catalog import tier_cache
from oauth_api.credentials.platform import PlatformDeveloper
from oauth_api.services.tier_changes import TierEditor


class UnknownTier(NotFound):
    """404: no such tier is on offer."""

    code = "unknown_tier"
    message = "This project offers no tier of that name."


class TierExists(Conflict):
    """409: names and display names both name a tier, so each is there once."""

    code = "tier_exists"
    message = "Another tier of this project has that name or display name."


class TooManyTiers(Conflict):
    """409: the project is full."""

    code = "too_many_tiers"
    message = f"A project has {MAXIMUM_TIERS} tiers at most."


class TierHasSubscribers(Conflict):
    """409: somebody is on the tier."""

    code = "tier_has_subscribers"
    message = "Somebody is on this tier. With force it is offered no more, and they keep it."


class LastTier(Conflict):
    """409: users have to be on some tier."""

    code = "last_tier"
    message = "A saas project keeps at least one tier. Add another before you delete this one."


async def list_tiers(context: Context, request: Request, developer: PlatformDeveloper) -> Response:
    """The tiers on offer, as D1 has them now."""
    project = await _project(context, developer, request.query)
    found = await tier_cache.tiers_of(context, project["publishableKey"], fresh=True)
    return json_response(
        {
            "tiers": [tier.to_json() for tier in found],
            "publishableKey": project["publishableKey"],
            "mode": project["mode"],
            "projectType": project["projectType"],
            "projectName": project["name"],
        }
    )


async def update_tier(context: Context, request: Request, developer: PlatformDeveloper) -> Response:
    """Change what is named, nothing else. A new price is a new price at Stripe; the old one is sold no more."""
    body = await request.json()
    project = await _project(context, developer, body, "tierName")
    offered, tier = await _tier(context, project, body["tierName"])
    updates = TierUpdates.from_json(body.get("updates"), tier, project["projectType"])
    _require_free_name(offered, tier.name, str(updates.columns.get("displayName", tier.display_name)))
    if not await (await _editor(context, developer, project)).update(tier, updates):
        raise UnknownTier()
    _, tier = await _tier(context, project, tier.name)
    return json_response({"success": True, "tierName": tier.name, "updates": body["updates"], "tier": tier.to_json()})


async def add_tier(context: Context, request: Request, developer: PlatformDeveloper) -> Response:
    """Offer one more tier, after the others."""
    body = await request.json()
    project = await _project(context, developer, body)
    definition = parse_new_tier(body.get("tier"), project["projectType"])
    offered = await tier_cache.tiers_of(context, project["publishableKey"], fresh=True)
    present = find_tier(offered, definition.name)
    if present is not None and _is_retry(request, present, definition):
        return _added(present)
    _require_free_name(offered, None, definition.name, definition.display_name)
    if len(offered) >= MAXIMUM_TIERS:
        raise TooManyTiers()
    added = await (await _editor(context, developer, project)).add(definition)
    tier = find_tier(await tier_cache.tiers_of(context, project["publishableKey"], fresh=True), definition.name)
    if tier is None:
        raise TooManyTiers()
    if not added and not _is_retry(request, tier, definition):
        raise TierExists()
    return _added(tier)


async def delete_tier(context: Context, request: Request, developer: PlatformDeveloper) -> Response:
    """Offer the tier no more. The row stays, for past orders and for whoever is still on it."""
    body = await request.json() or request.query
    project = await _project(context, developer, body, "tierName")
    force = body.get("force") in (True, "true", "1")
    _, tier = await _tier(context, project, body["tierName"])
    if not await (await _editor(context, developer, project)).archive(tier, force=force):
        _, tier = await _tier(context, project, tier.name)
        if not force and await tiers.has_subscribers(context.db, project["publishableKey"], tier.name):
            raise TierHasSubscribers()
        raise LastTier()
    return json_response({"success": True, "tierName": tier.name, "archived": True})


def _is_retry(request: Request, present: Tier, definition: TierDefinition) -> bool:
    """Whether another call with this Idempotency-Key has added the tier; without one, a tier that is there is somebody's."""
    return key_of(request) is not None and TierDefinition.from_tier(present) == definition


def _added(tier: Tier) -> Response:
    return json_response({"success": True, "tier": tier.to_json()})


async def _project(context: Context, developer: PlatformDeveloper, body: Mapping[str, Any], *needed: str) -> Row:
    """The developer's own project that the body names; further members that must be texts are checked beside."""
    problems: dict[str, str] = {}
    publishable_key = publishable_key_in(body, problems)
    problems |= {name: "required" for name in needed if not isinstance(body.get(name), str) or not body[name].strip()}
    if problems:
        raise InvalidFields(problems)
    project = await projects.find_of_platform(context.db, publishable_key, developer.platform_id)
    if project is None:
        raise NotFound()
    return project


async def _tier(context: Context, project: Row, named: str) -> tuple[tuple[Tier, ...], Tier]:
    """All tiers on offer, and the one of that name or display name. Raises NotFound."""
    offered = tuple(await tier_cache.tiers_of(context, project["publishableKey"], fresh=True))
    tier = find_tier(offered, named)
    if tier is None:
        raise UnknownTier()
    return offered, tier


async def _editor(context: Context, developer: PlatformDeveloper, project: Row) -> TierEditor:
    platform_id, mode = developer.platform_id, project["mode"]
    account = await stripe_tokens.account_of(context.db, platform_id, mode)
    return TierEditor(context, platform_id, project["publishableKey"], mode, account, developer.user_id)


def _require_free_name(offered: Sequence[Tier], besides: str | None, *names: str) -> None:
    taken = {text for tier in offered if tier.name != besides for text in (tier.name, tier.display_name.casefold())}
    if taken & {name.casefold() for name in names}:
        raise TierExists()
