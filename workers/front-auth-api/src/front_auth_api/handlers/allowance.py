"""`POST /verify-auth`: says who the developer is, and counts this call against the developer's monthly allowance."""

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
from front_auth_api.handlers.platforms import new_platform_id, require_platform


async def verify_auth(context: Context, request: Request, developer: Developer) -> Response:
    """Counts the call and decides whether it is allowed in one statement.

    Creates the developer's platform if there is none. Raises Forbidden when the allowance is used up.
    """
    now = context.now()
    start, end = calendar_month(now)
    call = await platforms.count_call(context.db, new_platform_id(), developer.user_id, start, now)
    platform = require_platform(call.platform)
    plan = platform.plan(now)
    usage = Usage(developer.user_id, plan, call.usage_count, allowance(plan), start, end).to_json()
    if not call.was_counted:
        raise Forbidden(
            f"The {plan} plan includes {allowance(plan)} calls a month, and all are used. The next month starts at {end}.",
            error="Tier limit reached",
            code="tier_limit_reached",
            allowed=False,
            usageCount=call.usage_count,
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
