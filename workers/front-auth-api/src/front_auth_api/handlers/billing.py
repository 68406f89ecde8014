"""`POST /create-checkout`, `GET /subscription`, `POST /billing-portal`: the developer's own subscription at dream-api.

It is a subscription in dream-api's own Stripe account. Stripe's events say what was paid. The browser that returns
from Checkout proves nothing.
"""

from __future__ import annotations

import hashlib

from dream.auth.principal import Developer
from dream.clients import clerk
from dream.clients.stripe.account import StripeAccount, platform_account
from dream.clients.stripe.http import StripeRefused
from dream.db import platforms, stripe_tokens
from dream.domain.keys import MODES
from dream.domain.platform_billing import Platform
from dream.domain.stripe.checkout_session import CheckoutSession
from dream.errors import ApiError, Conflict, Unavailable
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime import checkpoints
from dream.runtime.context import Context
from dream.runtime.isolate_cache import IsolateCache
from dream.services.sync import commit
from front_auth_api.handlers.platforms import platform_of
from front_auth_api.services import platform_sync

# The id of the billing portal configuration by mode. A change in Stripe's dashboard is noticed after this time.
_portal_configurations: IsolateCache[str] = IsolateCache(size=2, ttl_seconds=3600.0)


async def create_checkout(context: Context, request: Request, developer: Developer) -> Response:
    """The URL of a Checkout for the paid plan. A developer who has a subscription gets the billing portal, so nobody pays twice."""
    account = _account(context)
    platform = await _synced(context, account, await platform_of(context, developer))
    if platform.has_subscription and platform.stripe_customer_id is not None:
        return _url_response(await _portal(context, account, platform.stripe_customer_id), alreadySubscribed=True)
    session = await _open_session(account, platform)
    if session is None:
        session = await _new_session(context, account, platform, developer)
    if session.url is None:
        raise Unavailable(reason=f"checkout session {session.id} has no url")
    return _url_response(session.url, sessionId=session.id)


async def subscription(context: Context, request: Request, developer: Developer) -> Response:
    """The subscription as D1 has it, and the connected Stripe accounts."""
    platform = await platform_of(context, developer)
    connected = await stripe_tokens.accounts_of(context.db, platform.platform_id)
    accounts = {mode: connected.get(mode) for mode in MODES}
    return json_response({**platform.to_json(context.now()), "stripeAccounts": accounts})


async def billing_portal(context: Context, request: Request, developer: Developer) -> Response:
    """The URL of Stripe's billing portal. Raises Conflict for a developer who never started a checkout."""
    platform = await platform_of(context, developer)
    if platform.stripe_customer_id is None:
        raise Conflict("There is no subscription yet. Start one with POST /create-checkout.", code="no_subscription")
    return json_response({"url": await _portal(context, _account(context), platform.stripe_customer_id)})


def _url_response(url: str, **more: object) -> Response:
    return json_response({"checkoutUrl": url, "url": url, **more})


def _account(context: Context) -> StripeAccount:
    return platform_account(context, context.settings.platform_stripe_mode)


def _return_url(context: Context, outcome: str) -> str:
    return f"{context.settings.frontend_url}/?checkout={outcome}"


async def _synced(context: Context, account: StripeAccount, platform: Platform) -> Platform:
    """The platform after its subscription, or the one that its last checkout created, was read from Stripe.

    It does not wait for events, which may be late.
    """
    known = platform.subscription_id
    if not platform.has_subscription:
        session = (
            None if platform.checkout_session_id is None else await _session(account, platform.checkout_session_id)
        )
        if session is None or session.subscription_id in (None, known):
            return platform
        known = session.subscription_id
    if not await commit(context, await platform_sync.sync(context, known or "")):
        return platform
    return await platforms.find(context.db, platform.platform_id) or platform


async def _open_session(account: StripeAccount, platform: Platform) -> CheckoutSession | None:
    """The last checkout session, if it is still open."""
    if platform.checkout_session_id is None:
        return None
    session = await _session(account, platform.checkout_session_id)
    return session if session is not None and session.status == "open" else None


async def _session(account: StripeAccount, session_id: str) -> CheckoutSession | None:
    try:
        return await account.retrieve_checkout(session_id)
    except StripeRefused as refusal:
        if not refusal.is_missing:
            raise
        return None


async def _new_session(
    context: Context, account: StripeAccount, platform: Platform, developer: Developer
) -> CheckoutSession:
    """A new checkout session. Two requests at once get the same one: the idempotency key names the session before it."""
    price_id = context.settings.platform_price_id
    if not price_id:
        raise Unavailable(reason="PLATFORM_PRICE_ID is not set")
    customer_id = platform.stripe_customer_id or await _new_customer(context, account, platform, developer)
    await checkpoints.reached("create-checkout:customer-created")
    success_url, cancel_url = _return_url(context, "success"), _return_url(context, "cancelled")
    parameters = "|".join((platform.checkout_session_id or "first", customer_id, price_id, success_url, cancel_url))
    session = await account.create_subscription_checkout(
        price_id,
        customer_id=customer_id,
        client_reference_id=platform.platform_id,
        success_url=success_url,
        cancel_url=cancel_url,
        metadata={"platformId": platform.platform_id, "userId": developer.user_id},
        idempotency_key=f"platform-checkout:{platform.platform_id}:{_digest(parameters)}",
    )
    await checkpoints.reached("create-checkout:session-created")
    await platforms.set_checkout(context.db, platform.platform_id, session.id, context.now())
    return session


async def _new_customer(context: Context, account: StripeAccount, platform: Platform, developer: Developer) -> str:
    """A new customer. Two requests at once get the same one: the idempotency key depends on when the platform last changed.

    After a customer was deleted at Stripe, that time is another, so a new customer is created.
    """
    email = developer.email or platform.email or await _email_at_clerk(context, platform)
    customer_id = await account.create_customer(
        email=email,
        metadata={"platformId": platform.platform_id, "userId": developer.user_id},
        idempotency_key=f"platform-customer:{platform.platform_id}:{_digest(f'{platform.updated_at}|{email}')}",
    )
    await platforms.set_customer(context.db, platform.platform_id, customer_id, context.now())
    stored = await platforms.find(context.db, platform.platform_id)
    return customer_id if stored is None else stored.stripe_customer_id or customer_id


async def _email_at_clerk(context: Context, platform: Platform) -> str | None:
    """The developer's email address from Clerk, for a platform that has none yet. None if Clerk does not answer.

    Checkout then asks the developer for it.
    """
    try:
        user = await clerk.developers(context).get_user(platform.clerk_user_id)
    except ApiError as error:
        context.log.warning("email address not read from Clerk", reason=error.reason or error.code)
        return None
    if user is None or user.email is None:
        return None
    await platforms.set_email(context.db, platform.platform_id, user.email)
    return user.email


async def _portal(context: Context, account: StripeAccount, customer_id: str) -> str:
    mode = context.settings.platform_stripe_mode
    configuration_id = _portal_configurations.get(mode)
    if configuration_id is None:
        configuration_id = await account.find_portal_configuration() or await account.create_portal_configuration(
            switchable_prices={}, idempotency_key="platform-portal"
        )
        _portal_configurations.put(mode, configuration_id)
    return await account.create_portal_session(
        customer_id, return_url=f"{context.settings.frontend_url}/", configuration_id=configuration_id
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
