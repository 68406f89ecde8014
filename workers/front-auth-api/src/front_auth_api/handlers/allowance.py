"""`POST /verify-auth`: who am I, counted against the developer's own allowance."""

from __future__ import annotations

from dream.auth.principal import Developer
from dream.db import platforms
from dream.domain.billing_period import calendar_month
from dream.domain.platform_billing import allowance
from dream.domain.usage import Usage
from dream.errors import Forbidden
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime.context import Context
from front_auth_api.handlers.platforms import new_platform_id, platform_or_refuse


async def verify_auth(context: Context, request: Request, developer: Developer) -> Response:
    """Count one call in the one statement that also decides whether it is allowed."""
    now = context.now()
    start, end = calendar_month(now)
    row, counted, count = await platforms.count_call(context.db, new_platform_id(), developer.user_id, start, now)
    platform = platform_or_refuse(row)
    plan = platform.plan(now)
    usage = Usage(developer.user_id, plan, count, allowance(plan), start, end).to_json()
    if not counted:
        raise Forbidden(
            f"The plan {plan} allows {allowance(plan)} calls until {end}.",
            error="Tier limit reached",
            code="tier_limit_reached",
            allowed=False,
            usageCount=count,
            limit=allowance(plan),
            usage=usage,
            resetsAt=end,
        )
    return json_response(
        {
            "success": True,
            "userId": developer.user_id,
            "platformId": platform.platform_id,
            "email": developer.email or platform.email,
            "plan": plan,
            "usage": usage,
        }
    )
