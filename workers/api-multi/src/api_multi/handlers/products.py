"""`GET /api/products`: the products of a store, with their stock as it is now."""

from __future__ import annotations

from dream.auth.principal import ProjectCaller
from dream.db import tiers as tier_rows
from dream.domain.products import product_json
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime.context import Context


async def list_products(context: Context, request: Request, caller: ProjectCaller) -> Response:
    """The products in the developer's order. They are read from D1 each time, because stock changes. A saas project has none."""
    tiers = await tier_rows.list_of_project(context.db, caller.project.publishable_key)
    return json_response({"products": [product_json(tier) for tier in tiers if tier.billing_mode == "one_off"]})
