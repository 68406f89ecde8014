"""The billing portal of a project's subscribers: they may switch between its tiers, and no other project's of the same account."""

from __future__ import annotations

import hashlib
import json

from api_multi.services.subscriber import Subscriber
from dream.db import portal_configurations
from dream.domain.stripe.subscription import StripeSubscription
from dream.runtime.context import Context


async def open_portal(context: Context, subscriber: Subscriber, customer_id: str, return_url: str) -> str:
    """The URL of the customer's portal, good for minutes. Raises StripeRefused."""
    configuration_id = await _configuration(context, subscriber)
    return await subscriber.stripe(context).create_portal_session(
        customer_id, return_url=return_url, configuration_id=configuration_id
    )


async def open_price_change(
    context: Context, subscriber: Subscriber, subscription: StripeSubscription, price_id: str, return_url: str
) -> str:
    """The URL where the subscriber confirms the change to this price. Raises StripeRefused."""
    configuration_id = await _configuration(context, subscriber)
    return await subscriber.stripe(context).create_portal_price_change(
        subscription, price_id, return_url=return_url, configuration_id=configuration_id
    )


async def _configuration(context: Context, subscriber: Subscriber) -> str:
    """The project's configuration: made on first use, and told anew when the tiers have changed since."""
    prices = _switchable_prices(subscriber)
    told = json.dumps(prices, sort_keys=True)
    known, account_id = subscriber.portal, subscriber.account.account_id
    stripe = subscriber.stripe(context)
    if known is not None and known.account_id == account_id:
        if known.prices == told:
            return known.configuration_id
        await stripe.update_portal_configuration(known.configuration_id, switchable_prices=prices)
        configuration_id = known.configuration_id
    else:
        project = subscriber.owner.publishable_key
        fingerprint = hashlib.sha256(f"{project}:{account_id}:{told}".encode()).hexdigest()
        configuration_id = await stripe.create_portal_configuration(
            switchable_prices=prices, default_return_url=subscriber.home_url, idempotency_key=f"portal:{fingerprint}"
        )
    await portal_configurations.record(context.db, subscriber.owner.publishable_key, account_id, configuration_id, told)
    return configuration_id


def _switchable_prices(subscriber: Subscriber) -> dict[str, list[str]]:
    prices: dict[str, list[str]] = {}
    for tier in subscriber.tiers:
        if tier.billing_mode == "subscription" and tier.price_id is not None and tier.product_id is not None:
            prices.setdefault(tier.product_id, []).append(tier.price_id)
    return prices
