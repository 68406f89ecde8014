"""`POST /api/create-checkout`: Stripe Checkout for a subscription tier; the billing portal for a user who subscribes already. A user
never gets a second subscription.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from api_multi.services import billing_portal, subscriber
from api_multi.services.subscriber import Subscriber
from dream.auth.principal import EndUserCaller
from dream.clients.stripe.account import StripeAccount
from dream.clients.stripe.http import StripeRefused
from dream.db import checkout_sessions, end_users
from dream.domain.return_urls import return_url_problem
from dream.domain.stripe.checkout_session import CheckoutSession
from dream.domain.stripe.subscription import StripeSubscription
from dream.domain.subscriptions import ENDED_STATUSES, SWITCHABLE_STATUSES, Owner
from dream.domain.tiers import Tier, find_tier
from dream.errors import BadRequest, Conflict, InvalidFields, Unprocessable
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime import checkpoints
from dream.runtime.context import Context
from dream.services.outbox.stripe import expire_if_open
from dream.services.platforms.connection import StripeNotConnected

ATTEMPTS = 4
"""The maximum number of tries. A call tries again if another call for the same user stored its session first."""


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """The body of the request. `tier` names a tier, as the app wrote it."""

    tier: str
    price_id: str | None
    success_url: str | None
    cancel_url: str | None

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> CheckoutRequest:
        """Raises InvalidFields with all problems."""
        fields: dict[str, str] = {}
        tier, price_id = body.get("tier"), body.get("priceId")
        if not isinstance(tier, str) or not 0 < len(tier.strip()) <= 100:
            fields["tier"] = "the name of a tier"
        if price_id is not None and not isinstance(price_id, str):
            fields["priceId"] = "a Stripe price id"
        for name in ("successUrl", "cancelUrl"):
            problem = None if body.get(name) is None else return_url_problem(body[name])
            if problem is not None:
                fields[name] = problem
        if fields:
            raise InvalidFields(fields)
        return cls(str(tier), price_id, body.get("successUrl"), body.get("cancelUrl"))

    def tier_of(self, user: Subscriber) -> tuple[Tier, str]:
        """The tier and its price. Raises BadRequest for a tier or a price of another project, Unprocessable for a free tier."""
        tier = find_tier(user.tiers, self.tier)
        if tier is None or tier.billing_mode != "subscription":
            raise BadRequest(
                "This project has no such tier. Send the name of a tier from GET /api/tiers.",
                code="unknown_plan",
                fields={"tier": "the name of a tier of this project"},
            )
        if self.price_id is not None and self.price_id != tier.price_id:
            raise BadRequest(
                "priceId is not the price of this tier. Leave it out, or send the tier's priceId from GET /api/tiers.",
                code="wrong_price",
                fields={"priceId": "the price of this tier"},
            )
        if tier.price_id is None:
            raise Unprocessable("A free tier needs no checkout: every user is on it without one.", code="free_tier")
        return tier, tier.price_id


async def create_checkout(context: Context, request: Request, caller: EndUserCaller) -> Response:
    """The URL of the page where the user subscribes to the tier, or changes to it."""
    wanted = CheckoutRequest.from_json(await request.json())
    for _ in range(ATTEMPTS):
        user = await subscriber.load(context, caller)
        try:
            answer = await _open_page(context, user, wanted)
        except StripeRefused as refusal:
            if refusal.is_disconnected:
                raise StripeNotConnected(caller.project.mode, refusal.reason) from None
            raise
        if answer is not None:
            return json_response(answer)
    raise Conflict(
        "Other checkouts of this user are being created right now. Try again in a moment.", code="checkout_in_progress"
    )


async def _open_page(context: Context, user: Subscriber, wanted: CheckoutRequest) -> dict[str, Any] | None:
    """The page for the user. None if another call for the same user stored its session first."""
    tier, price_id = wanted.tier_of(user)
    stripe = user.stripe(context)
    if user.last_session_id is not None and user.session_open_until > context.now():
        await expire_if_open(stripe, user.last_session_id)
        await checkpoints.reached("create-checkout:previous-expired")
    present = await _live_subscription(stripe, user)
    if present is not None:
        url = await _portal(context, user, present, price_id, wanted.success_url or user.home_url)
        return {"url": url, "sessionId": None, "kind": "portal"}
    session = await _checkout(context, stripe, user, tier, price_id, wanted)
    await checkpoints.reached("create-checkout:session-created")
    owner = user.owner
    if not await checkout_sessions.replace(
        context.db,
        owner.publishable_key,
        owner.user_id,
        session.id,
        tier.name,
        session.expires_at,
        user.last_session_id,
    ):
        await expire_if_open(stripe, session.id)
        return None
    return {"url": session.url, "sessionId": session.id, "kind": "checkout"}


async def _live_subscription(stripe: StripeAccount, user: Subscriber) -> StripeSubscription | None:
    """The user's live subscription of this project, from Stripe: Stripe has it before its event has come."""
    if user.customer_id is None:
        return None
    try:
        found, _ = await stripe.list_subscriptions(customer_id=user.customer_id)
    except StripeRefused as refusal:
        if refusal.is_missing:
            return None
        raise
    live = (each for each in found if each.status not in ENDED_STATUSES)
    return next((each for each in live if Owner.from_metadata(each.metadata) == user.owner), None)


async def _portal(
    context: Context, user: Subscriber, present: StripeSubscription, price_id: str, return_url: str
) -> str:
    """The page where the user confirms the change; the portal's first page for a user who has this price or must pay first."""
    if present.price_id != price_id and present.status in SWITCHABLE_STATUSES:
        try:
            return await billing_portal.open_price_change(context, user, present, price_id, return_url)
        except StripeRefused as refusal:
            if refusal.is_disconnected:
                raise
            context.log.warning("price change refused", reason=refusal.reason)
    return await billing_portal.open_portal(context, user, present.customer_id, return_url)


async def _checkout(
    context: Context, stripe: StripeAccount, user: Subscriber, tier: Tier, price_id: str, wanted: CheckoutRequest
) -> CheckoutSession:
    """A new session. Its idempotency key includes the last session, so calls at once, and a retry after a crash, get the same one."""
    user = await _with_customer(context, stripe, user)
    try:
        return await _create(stripe, user, tier, price_id, wanted)
    except StripeRefused as refusal:
        if refusal.param != "customer" or not refusal.is_missing:
            raise
    return await _create(
        stripe, await _with_customer(context, stripe, user, gone=user.customer_id), tier, price_id, wanted
    )


async def _create(
    stripe: StripeAccount, user: Subscriber, tier: Tier, price_id: str, wanted: CheckoutRequest
) -> CheckoutSession:
    success_url = wanted.success_url or user.home_url
    cancel_url = wanted.cancel_url or user.home_url
    inputs = [
        user.last_session_id,
        user.subscription_id,
        user.customer_id,
        price_id,
        tier.trial_days,
        success_url,
        cancel_url,
    ]
    return await stripe.create_subscription_checkout(
        price_id,
        customer_id=user.customer_id,
        client_reference_id=user.owner.user_id,
        success_url=success_url,
        cancel_url=cancel_url,
        trial_days=tier.trial_days,
        metadata=user.owner.to_metadata(),
        idempotency_key=f"checkout:{_fingerprint(user.owner, inputs)}",
    )


async def _with_customer(
    context: Context, stripe: StripeAccount, user: Subscriber, *, gone: str | None = None
) -> Subscriber:
    """The user with a customer at Stripe: the present one, or a new one in place of `gone`, which Stripe does not have any more."""
    if user.customer_id is not None and gone is None:
        return user
    new_customer_id = await stripe.create_customer(
        email=user.email,
        metadata=user.owner.to_metadata(),
        idempotency_key=f"customer:{_fingerprint(user.owner, [user.email, gone])}",
    )
    await checkpoints.reached("create-checkout:customer-created")
    owner = user.owner
    customer_id = await end_users.set_customer(
        context.db, owner.publishable_key, owner.user_id, user.email, new_customer_id, gone, context.now()
    )
    return replace(user, customer_id=customer_id)


def _fingerprint(owner: Owner, inputs: list[str | int | None]) -> str:
    return hashlib.sha256(json.dumps([owner.publishable_key, owner.user_id, *inputs]).encode()).hexdigest()
