"""`GET /api/tiers`: the tiers of the project."""

from __future__ import annotations

from dream.auth.principal import ProjectCaller
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime.context import Context
from dream.services.catalog import tier_cache


async def list_tiers(context: Context, request: Request, caller: ProjectCaller) -> Response:
    """The project's tiers in the developer's order."""
    tiers = await tier_cache.tiers_of(context, caller.project.publishable_key)
    return json_response({"tiers": [tier.to_json() for tier in tiers]})
