"""The credential of routes that anybody may call."""

from __future__ import annotations

from dream.auth.principal import Nobody
from dream.http.request import Request
from dream.runtime.context import Context


async def nobody(context: Context, request: Request) -> Nobody:
    """Accepts every request. Calls are limited per address."""
    return Nobody(request.address)
