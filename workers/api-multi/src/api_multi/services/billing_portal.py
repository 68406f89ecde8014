"""Stripe's billing portal for the end users of a project. They may switch between the tiers of this project only, not between those
of other projects on the same account.
"""

from __future__ import annotations

import hashlib
import json

from api_multi.services.subscriber import Subscriber
from dream.db import portal_configurations
from dream.db.portal_configurations import PortalConfiguration
from dream.domain.stripe.subscription import StripeSubscription
from dream.runtime.context import Context


async def open_portal(context: Context, subscriber: Subscriber, customer_id: str, return_url: str) -> str:
    """The URL of the customer's portal; it works for minutes. Raises StripeRefused."""
    configuration_id = await _configuration_id(context, subscriber)
    return await subscriber.stripe(context).create_portal_session(
        customer_id, return_url=return_url, configuration_id=configuration_id
    )


async def open_price_change(
    context: Context, subscriber: Subscriber, subscription: StripeSubscription, price_id: str, return_url: str
) -> str:
    """The URL of the page of the portal where the user confirms the change to this price. Raises StripeRefused."""
    configuration_id = await _configuration_id(context, subscriber)
    return await subscriber.stripe(context).create_portal_price_change(
        subscription, price_id, return_url=return_url, configuration_id=configuration_id
    )


async def _configuration_id(context: Context, subscriber: Subscriber) -> str:
    """The project's configuration at Stripe. Created on first use; updated when the tiers change."""
    prices_by_product = _switchable_prices(subscriber)
    prices = json.dumps(prices_by_product, sort_keys=True)
    stored, account_id = subscriber.portal, subscriber.account.account_id
    project = subscriber.owner.publishable_key
    stripe = subscriber.stripe(context)
    if stored is not None and stored.account_id == account_id:
        if stored.prices == prices:
            return stored.configuration_id
        await stripe.update_portal_configuration(stored.configuration_id, switchable_prices=prices_by_product)
        configuration_id = stored.configuration_id
    else:
        fingerprint = hashlib.sha256(f"{project}:{account_id}:{prices}".encode()).hexdigest()
        configuration_id = await stripe.create_portal_configuration(
            switchable_prices=prices_by_product,
            default_return_url=subscriber.home_url,
            idempotency_key=f"portal:{fingerprint}",
        )
    await portal_configurations.upsert(context.db, project, PortalConfiguration(account_id, configuration_id, prices))
    return configuration_id


def _switchable_prices(subscriber: Subscriber) -> dict[str, list[str]]:
    """The prices of the project's subscription tiers, by product."""
    prices: dict[str, list[str]] = {}
    for tier in subscriber.tiers:
        if tier.billing_mode == "subscription" and tier.price_id is not None and tier.product_id is not None:
            prices.setdefault(tier.product_id, []).append(tier.price_id)
    return prices
