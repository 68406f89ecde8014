"""`GET /api/tiers`: what the project sells."""

from __future__ import annotations

from dream import catalog
from dream.auth.principal import ProjectCaller
from dream.context import Context
from dream.http.request import Request
from dream.http.response import Response, json_response


async def list_tiers(context: Context, request: Request, caller: ProjectCaller) -> Response:
    """The project's tiers in the developer's order."""
    tiers = await catalog.tiers_of(context, caller.project.publishable_key)
    return json_response({"tiers": [tier.to_json() for tier in tiers]})
