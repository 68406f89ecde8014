"""`/tiers`: lists and changes the tiers of a project. Its keys stay. Subscribers keep the price that they subscribed to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dream.db import projects, stripe_tokens, tiers
from dream.domain.project import OwnedProject
from dream.domain.project_definitions import publishable_key_in
from dream.domain.tier_definitions import MAXIMUM_TIERS, TierDefinition, TierUpdates, parse_new_tier
from dream.domain.tiers import Tier, find_tier
from dream.errors import Conflict, InvalidFields, NotFound
from dream.http.idempotency import key_of
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime.context import Context
from dream.services.catalog import tier_cache
from oauth_api.credentials.platform import PlatformDeveloper
from oauth_api.services.tier_changes import TierEditor


class UnknownTier(NotFound):
    """404: the project has no tier with that name."""

    code = "unknown_tier"
    message = "This project has no tier with that name. GET /tiers lists its tiers."


class TierExists(Conflict):
    """409: names and display names both identify a tier, so each must be unique in a project."""

    code = "tier_exists"
    message = "Another tier of this project has that name or display name. Choose another one."


class TooManyTiers(Conflict):
    """409: the project has the maximum number of tiers."""

    code = "too_many_tiers"
    message = f"A project can have up to {MAXIMUM_TIERS} tiers. Delete one before you add another."


class TierHasSubscribers(Conflict):
    """409: end users are on the tier."""

    code = "tier_has_subscribers"
    message = "This tier has subscribers. Pass `force` to archive it; they keep it."


class LastTier(Conflict):
    """409: every end user of a saas project is on a tier, so the last one cannot be archived."""

    code = "last_tier"
    message = "A saas project needs at least one tier. Add another tier before you delete this one."


async def list_tiers(context: Context, request: Request, developer: PlatformDeveloper) -> Response:
    """The tiers that are not archived, read from D1 without the cache."""
    project = await _project(context, developer, request.query)
    found = await tier_cache.tiers_of(context, project.publishable_key, fresh=True)
    return json_response(
        {
            "tiers": [tier.to_json() for tier in found],
            "publishableKey": project.publishable_key,
            "mode": project.mode,
            "projectType": project.project_type,
            "projectName": project.name,
        }
    )


async def update_tier(context: Context, request: Request, developer: PlatformDeveloper) -> Response:
    """Changes the fields that `updates` names. A new amount creates a price at Stripe and archives the old price."""
    body = await request.json()
    project = await _project(context, developer, body, "tierName")
    offered, tier = await _tier(context, project, body["tierName"])
    updates = TierUpdates.from_json(body.get("updates"), tier, project.project_type)
    _require_free_name(offered, tier.name, str(updates.columns.get("displayName", tier.display_name)))
    if not await (await _editor(context, developer, project)).update(tier, updates):
        raise UnknownTier()
    _, tier = await _tier(context, project, tier.name)
    return json_response({"success": True, "tierName": tier.name, "updates": body["updates"], "tier": tier.to_json()})


async def add_tier(context: Context, request: Request, developer: PlatformDeveloper) -> Response:
    """Adds a tier after the others."""
    body = await request.json()
    project = await _project(context, developer, body)
    definition = parse_new_tier(body.get("tier"), project.project_type)
    offered = await tier_cache.tiers_of(context, project.publishable_key, fresh=True)
    existing = find_tier(offered, definition.name)
    if existing is not None and _is_retry(request, existing, definition):
        return _added(existing)
    _require_free_name(offered, None, definition.name, definition.display_name)
    if len(offered) >= MAXIMUM_TIERS:
        raise TooManyTiers()
    added = await (await _editor(context, developer, project)).add(definition)
    tier = find_tier(await tier_cache.tiers_of(context, project.publishable_key, fresh=True), definition.name)
    if tier is None:
        raise TooManyTiers()
    if not added and not _is_retry(request, tier, definition):
        raise TierExists()
    return _added(tier)


async def delete_tier(context: Context, request: Request, developer: PlatformDeveloper) -> Response:
    """Archives the tier. Its row stays for past orders and for its subscribers."""
    body = await request.json() or request.query
    project = await _project(context, developer, body, "tierName")
    force = body.get("force") in (True, "true", "1")
    _, tier = await _tier(context, project, body["tierName"])
    if not await (await _editor(context, developer, project)).archive(tier, force=force):
        _, tier = await _tier(context, project, tier.name)
        if not force and await tiers.has_subscribers(context.db, project.publishable_key, tier.name):
            raise TierHasSubscribers()
        raise LastTier()
    return json_response({"success": True, "tierName": tier.name, "archived": True})


def _is_retry(request: Request, existing: Tier, definition: TierDefinition) -> bool:
    """Whether an earlier call with this Idempotency-Key added the tier. Without a key, an existing tier counts as another's."""
    return key_of(request) is not None and TierDefinition.from_tier(existing) == definition


def _added(tier: Tier) -> Response:
    return json_response({"success": True, "tier": tier.to_json()})


async def _project(
    context: Context, developer: PlatformDeveloper, body: Mapping[str, Any], *required: str
) -> OwnedProject:
    """The developer's project that the body names. The fields `required` must be texts too. Raises InvalidFields or NotFound."""
    problems: dict[str, str] = {}
    publishable_key = publishable_key_in(body, problems)
    problems |= {name: "required" for name in required if not isinstance(body.get(name), str) or not body[name].strip()}
    if problems:
        raise InvalidFields(problems)
    project = await projects.find_of_platform(context.db, publishable_key, developer.platform_id)
    if project is None:
        raise NotFound()
    return project


async def _tier(context: Context, project: OwnedProject, named: str) -> tuple[tuple[Tier, ...], Tier]:
    """All tiers of the project, and the one with that name or display name. Raises UnknownTier."""
    offered = tuple(await tier_cache.tiers_of(context, project.publishable_key, fresh=True))
    tier = find_tier(offered, named)
    if tier is None:
        raise UnknownTier()
    return offered, tier


async def _editor(context: Context, developer: PlatformDeveloper, project: OwnedProject) -> TierEditor:
    platform_id, mode = developer.platform_id, project.mode
    account = await stripe_tokens.account_of(context.db, platform_id, mode)
    return TierEditor(context, platform_id, project.publishable_key, mode, account, developer.user_id)


def _require_free_name(offered: Sequence[Tier], except_tier: str | None, *names: str) -> None:
    taken = {text for tier in offered if tier.name != except_tier for text in (tier.name, tier.display_name.casefold())}
    if taken & {name.casefold() for name in names}:
        raise TierExists()
