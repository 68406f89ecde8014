"""Developers with a platform. Routes that create projects or connect Stripe accept only developers with a paid plan."""

from __future__ import annotations

from dataclasses import dataclass

from dream.auth.developer import developer
from dream.db import platforms
from dream.domain.platform_billing import MONTHLY_PRICE_CENTS, Platform
from dream.errors import NotFound, PaymentRequired
from dream.http.request import Request
from dream.runtime.context import Context


@dataclass(frozen=True, slots=True)
class PlatformDeveloper:
    """A developer who has a platform, with a paid plan or without."""

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
    """A developer with a paid plan: the subscription at dream-api is active, trialing, or past due within the grace time."""

    __slots__ = ()


async def platform_developer(context: Context, request: Request) -> PlatformDeveloper:
    """Verifies a developer token. Raises Unauthorized, and NotFound if the developer has no platform."""
    caller = await developer(context, request)
    platform = await platforms.find_by_clerk_user(context.db, caller.user_id)
    if platform is None:
        raise NotFound()
    return PlatformDeveloper(caller.user_id, platform)


async def paying_developer(context: Context, request: Request) -> PayingDeveloper:
    """Verifies a developer token. Raises Unauthorized, and PaymentRequired without a paid plan."""
    caller = await developer(context, request)
    platform = await platforms.find_by_clerk_user(context.db, caller.user_id)
    if platform is None or not platform.is_paid(context.now()):
        raise PaymentRequired(
            f"This needs an active dream-api subscription (${MONTHLY_PRICE_CENTS // 100} a month). "
            "Start one with POST /create-checkout."
        )
    return PayingDeveloper(caller.user_id, platform)
