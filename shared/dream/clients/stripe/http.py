"""How a call to Stripe is sent: stripe-python over `context.fetch`, with one API version, retries and a timeout.

Stripe's errors are translated here into errors of `dream.errors`.
"""

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
"""Sent with every call. Webhook endpoints must be created with it too: an event has the version of its endpoint."""

TIMEOUT_SECONDS = 10.0
MAXIMUM_RETRIES = 2
RETRY_IF_LOST_WITHIN_SECONDS = 3.0
"""A connection that is lost later than this is not tried again, because the caller has already waited."""

# The telemetry of stripe-python asks for the operating system and writes to the home folder; a Worker has neither.
stripe.enable_telemetry = False

Object = TypeVar("Object")
Answer = TypeVar("Answer")


class StripeRefused(VendorFailed):
    """Stripe refused the call. A handler that expects a refusal catches it; otherwise the answer is a 502.

    `stripe_code` is Stripe's error code (`resource_missing`, `card_declined`, `idempotency_error`, `invalid_grant`…),
    `param` the parameter that is wrong, and `http_status` Stripe's status.
    """

    def __init__(self, stripe_code: str, param: str | None, http_status: int, reason: str) -> None:
        self.stripe_code = stripe_code
        self.param = param
        self.http_status = http_status
        super().__init__(reason=reason)

    @property
    def is_missing(self) -> bool:
        """Whether the object does not exist in this account and mode."""
        return self.stripe_code == "resource_missing"

    @property
    def is_disconnected(self) -> bool:
        """Whether the platform may not act on this account."""
        return self.http_status == 403 or self.stripe_code == "account_invalid"


class StripeFailureReplayed(VendorFailed):
    """502: Stripe failed at the first call with this idempotency key and repeats that answer. A retry needs another key.

    https://docs.stripe.com/api/idempotent_requests
    """

    code = "stripe_failed"


class FetchClient(stripe.HTTPClient):
    """An HTTP client for stripe-python that sends with `context.fetch`."""

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
        """Does nothing: no connection stays open."""


def stripe_client(context: Context, mode: Mode) -> StripeClient:
    """A client with the platform's secret key of this mode. The options of each call name the account.

    Raises Unavailable if the secret key is not set.
    """
    settings = context.settings
    secret_key = settings.stripe_secret_key(mode)
    if not secret_key:
        raise Unavailable(reason=f"the secret STRIPE_SECRET_KEY_{mode.upper()} is not set")
    return StripeClient(
        secret_key,
        http_client=FetchClient(context.fetch),
        stripe_version=API_VERSION,
        max_network_retries=MAXIMUM_RETRIES,
        client_id=settings.stripe_client_id(mode),
        base_addresses={"api": settings.stripe_api_base, "connect": settings.stripe_connect_base},
    )


async def answered(call: Awaitable[Object], read: Callable[[Object], Answer]) -> Answer:
    """Awaits Stripe's answer and returns what `read` makes of it.

    Raises StripeRefused, VendorFailed or Unavailable. Stripe's own message goes to the log only.
    """
    try:
        return read(await call)
    except stripe.StripeError as error:
        raise _translated(error) from None
    except (AttributeError, LookupError, UnicodeDecodeError) as error:
        raise VendorFailed(code="stripe_failed", reason=f"unexpected answer: {error!r}") from None


def _translated(error: stripe.StripeError) -> Exception:
    """Translates Stripe's error into an error of `dream.errors`."""
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
