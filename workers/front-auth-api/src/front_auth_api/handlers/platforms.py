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
from dream.runtime.bindings import Row
from dream.runtime.context import Context


async def platform_of(context: Context, developer: Developer) -> Platform:
    """The developer's platform, made at the first call. Raises Unauthorized for a developer whose account was deleted."""
    row = await platforms.find_by_clerk_user(context.db, developer.user_id)
    if row is None:
        row = await platforms.create_once(context.db, new_platform_id(), developer.user_id, context.now())
    return platform_or_refuse(row)


def platform_or_refuse(row: Row | None) -> Platform:
    if row is None:
        raise Unauthorized("This account was deleted.", code="account_deleted")
    return Platform.from_row(row)


def new_platform_id() -> str:
    return make_id("plt", os.urandom)


async def platform_id(context: Context, request: Request, developer: Developer) -> Response:
    """The same id however often, and however many at once, ask."""
    platform = await platform_of(context, developer)
    return json_response({"success": True, "platformId": platform.platform_id, "userId": developer.user_id})
