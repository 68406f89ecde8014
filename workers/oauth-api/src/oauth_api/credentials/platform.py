"""Developers with a platform: any of them, or only those who pay, as whatever creates projects or connects Stripe wants it."""

from __future__ import annotations

from dataclasses import dataclass

from dream.auth.developer import developer
from dream.db import platforms
from dream.domain.platform_billing import Platform
from dream.errors import NotFound, PaymentRequired
from dream.http.request import Request
from dream.runtime.context import Context


@dataclass(frozen=True, slots=True)
class PlatformDeveloper:
    """A developer who has a platform, be it paid or not."""

    user_id: str
    platform: Platform

    @property
    def platform_id(self) -> str:
        return self.platform.platform_id

    @property
    def rate_key(self) -> str:
        return f"developer:{self.user_id}"

    @property
    def idempotency_scope(self) -> str:
        return self.platform.platform_id


class PayingDeveloper(PlatformDeveloper):
    """A developer whose dream-api subscription is paid or on trial."""

    __slots__ = ()


async def platform_developer(context: Context, request: Request) -> PlatformDeveloper:
    """Settles a developer token. Raises Unauthorized without a good one; who has no platform yet has nothing to be found."""
    caller = await developer(context, request)
    row = await platforms.find_by_clerk_user(context.db, caller.user_id)
    if row is None:
        raise NotFound()
    return PlatformDeveloper(caller.user_id, Platform.from_row(row))


async def paying_developer(context: Context, request: Request) -> PayingDeveloper:
    """Settles a developer token. Raises Unauthorized without a good one, PaymentRequired without a paid plan."""
    caller = await developer(context, request)
    row = await platforms.find_by_clerk_user(context.db, caller.user_id)
    platform = None if row is None else Platform.from_row(row)
    if platform is None or not platform.is_paid(context.now()):
        raise PaymentRequired(
            "This needs an active dream-api subscription ($15 a month). POST /create-checkout starts one."
        )
    return PayingDeveloper(caller.user_id, platform)
