"""stripe-python over `context.fetch`: API version, retries, timeouts, and how Stripe's errors become ours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import stripe
from stripe import StripeClient

from dream.domain.keys import Mode
from dream.errors import Unavailable, VendorFailed
from dream.runtime.bindings import Fetch, VendorUnreachable
from dream.runtime.context import Context

API_VERSION = "2026-10-28.endive"
"""Sent with every call, and what webhook endpoints must be created with: events have their endpoint's version."""

TIMEOUT_SECONDS = 10.0
MAXIMUM_RETRIES = 2
RETRY_IF_LOST_WITHIN_SECONDS = 3.0
"""A connection that is refused or lost at once is tried again; one that took longer used up the caller's patience."""

# Telemetry asks the operating system who it is, and tries to write into a home folder.
stripe.enable_telemetry = False

Object = TypeVar("Object")
Answer = TypeVar("Answer")


class StripeRefused(VendorFailed):
    """Stripe understood the call and refused it. A handler that expects a refusal catches it; else it is a 502.

    `stripe_code` is Stripe's own word (`resource_missing`, `card_declined`, `idempotency_error`, `invalid_grant`…),
    `param` the parameter it complains about, `http_status` Stripe's status.
    """

    def __init__(self, stripe_code: str, param: str | None, http_status: int, reason: str) -> None:
        self.stripe_code = stripe_code
        self.param = param
        self.http_status = http_status
        super().__init__(reason=reason)

    @property
    def is_missing(self) -> bool:
        """There is no such object in this account and mode."""
        return self.stripe_code == "resource_missing"

    @property
    def is_disconnected(self) -> bool:
        """The platform may not act on this account (any more)."""
        return self.http_status == 403 or self.stripe_code == "account_invalid"

    @property
    def is_card(self) -> bool:
        """The buyer's card was refused."""
        return self.http_status == 402


class StripeFailureReplayed(VendorFailed):
    """502: Stripe failed at the first call with this idempotency key, and gives that answer again: another key is needed.

    https://docs.stripe.com/api/idempotent_requests
    """

    code = "stripe_failed"


class FetchClient(stripe.HTTPClient):
    """stripe-python's HTTP client made of our `Fetch`."""

    name = "fetch"

    def __init__(self, fetch: Fetch) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]: one private parameter of theirs has no type
        self._fetch = fetch

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        began = time.monotonic()
        try:
            answer = await self._fetch(
                method.upper(), url, headers=headers, body=post_data, timeout_seconds=TIMEOUT_SECONDS
            )
        except VendorUnreachable as error:
            lost_at_once = time.monotonic() - began < RETRY_IF_LOST_WITHIN_SECONDS
            raise stripe.APIConnectionError(str(error), should_retry=lost_at_once) from error
        return answer.body, answer.status, answer.headers

    def sleep_async(self, secs: float) -> Awaitable[None]:
        return asyncio.sleep(secs)

    async def close_async(self) -> None:
        """Nothing stays open."""


def stripe_client(context: Context, mode: Mode) -> StripeClient:
    """A client with the platform's secret key of this mode. Which account a call is for goes into its options."""
    settings = context.settings
    secret_key = settings.stripe_secret_key(mode)
    if not secret_key:
        raise Unavailable(reason=f"STRIPE_SECRET_KEY_{mode.upper()} is not set")
    return StripeClient(
        secret_key,
        http_client=FetchClient(context.fetch),
        stripe_version=API_VERSION,
        max_network_retries=MAXIMUM_RETRIES,
        client_id=settings.stripe_client_id(mode),
        base_addresses={"api": settings.stripe_api_base, "connect": settings.stripe_connect_base},
    )


async def answered(call: Awaitable[Object], read: Callable[[Object], Answer]) -> Answer:
    """What `read` makes of Stripe's answer.

    Raises StripeRefused, VendorFailed or Unavailable; Stripe's words go to the log only.
    """
    try:
        return read(await call)
    except stripe.StripeError as error:
        raise ours(error) from None
    except (AttributeError, LookupError, UnicodeDecodeError) as error:
        raise VendorFailed(code="stripe_failed", reason=f"unexpected answer: {error!r}") from None


def ours(error: stripe.StripeError) -> Exception:
    """Stripe's error as one of ours."""
    status = error.http_status or 0
    reason = f"{type(error).__name__} {status} {error.code or ''}: {error}"
    if isinstance(error, stripe.APIConnectionError):
        return Unavailable(code="stripe_unreachable", reason=reason)
    if isinstance(error, stripe.RateLimitError):
        return Unavailable(code="stripe_busy", reason=reason)
    if isinstance(error, stripe.IdempotencyError):
        return StripeRefused("idempotency_error", None, status, reason)
    if status >= 500 and (error.headers or {}).get("idempotent-replayed") == "true":
        return StripeFailureReplayed(reason=reason)
    if isinstance(error, stripe.AuthenticationError) or not 400 <= status < 500:
        return VendorFailed(code="stripe_failed", reason=reason)
    param: object = getattr(error, "param", None)
    return StripeRefused(error.code or "refused", param if isinstance(param, str) else None, status, reason)
