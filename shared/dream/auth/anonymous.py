"""The credential of routes that need none."""

from __future__ import annotations

from dream.auth.principal import Nobody
from dream.http.request import Request
from dream.runtime.context import Context


async def nobody(context: Context, request: Request) -> Nobody:
    """Always settles; calls are limited per address."""
    return Nobody(request.address)
