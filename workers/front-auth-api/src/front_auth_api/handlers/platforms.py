"""`POST /generate-platform-id`, `GET /get-platform-id`: the developer's one platform id."""

from __future__ import annotations

import os

from dream.auth.principal import Developer
from dream.db import platforms
from dream.domain.keys import make_id
from dream.domain.platform_billing import Platform
from dream.errors import Unauthorized
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime.context import Context


async def platform_of(context: Context, developer: Developer) -> Platform:
    """The developer's platform. The first call creates it. Raises Unauthorized if the developer's account was deleted."""
    platform = await platforms.find_by_clerk_user(context.db, developer.user_id)
    if platform is None:
        platform = await platforms.find_or_create(context.db, new_platform_id(), developer.user_id, context.now())
    return require_platform(platform)


def require_platform(platform: Platform | None) -> Platform:
    """Raises Unauthorized for None: the developer's account was deleted."""
    if platform is None:
        raise Unauthorized("This account was deleted.", code="account_deleted")
    return platform


def new_platform_id() -> str:
    return make_id("plt", os.urandom)


async def platform_id(context: Context, request: Request, developer: Developer) -> Response:
    """Every call returns the same id, also when many calls come at once."""
    platform = await platform_of(context, developer)
    return json_response({"success": True, "platformId": platform.platform_id, "userId": developer.user_id})
