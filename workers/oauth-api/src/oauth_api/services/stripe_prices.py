"""Creates the product and the price of a tier on the developer's connected account."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dream.clients.stripe.account import StripeAccount
from dream.domain.tier_definitions import CURRENCY, TierDefinition
from dream.domain.tiers import Tier
from dream.services.catalog.drafts import Draft

TIERS_AT_ONCE = 4
"""How many tiers are created at the same time. A worker has six connections; a Stripe sandbox allows 25 requests per second."""


@dataclass(frozen=True, slots=True)
class StripePrice:
    """The ids of a tier's product and price at Stripe; a free tier has no price."""

    product_id: str | None
    price_id: str | None

    def to_row(self) -> dict[str, str | None]:
        """The columns of `tiers`."""
        return {"productId": self.product_id, "priceId": self.price_id}

    def to_json(self, tier_name: str) -> dict[str, Any]:
        return {"tier": tier_name, "priceId": self.price_id, "productId": self.product_id}


def stripe_price_of(tier: Tier) -> StripePrice:
    """The ids of a stored tier."""
    return StripePrice(tier.product_id, tier.price_id)


async def create_price(
    draft: Draft, account: StripeAccount, publishable_key: str, tier: TierDefinition, product_id: str | None = None
) -> StripePrice:
    """Creates the price of a tier, and its product unless `product_id` names one. Creates nothing for a free tier."""
    if tier.is_free:
        return StripePrice(product_id, None)
    metadata = {"publishableKey": publishable_key, "tierName": tier.name}

    async def product(key: str) -> str:
        return await account.create_product(
            tier.display_name,
            description=tier.description or None,
            image_url=tier.image_url,
            metadata=metadata,
            idempotency_key=key,
        )

    used_product_id = product_id or await draft.once(f"{tier.name}:product", product)

    async def price(key: str) -> str:
        return await account.create_price(
            used_product_id,
            unit_amount=tier.price_cents,
            currency=CURRENCY,
            interval=tier.interval,
            metadata=metadata,
            idempotency_key=key,
        )

    return StripePrice(used_product_id, await draft.once(f"{tier.name}:price", price))


async def create_prices(
    draft: Draft,
    account: StripeAccount,
    publishable_key: str,
    tiers: Sequence[tuple[TierDefinition, str | None]],
) -> Mapping[str, StripePrice]:
    """Creates the prices of several tiers. Each tier comes with the id of its existing product, or None.

    Returns the ids by tier name. Raises the first failure after all requests of its group have ended.
    """
    prices: dict[str, StripePrice] = {}
    for start in range(0, len(tiers), TIERS_AT_ONCE):
        group = tiers[start : start + TIERS_AT_ONCE]
        results = await asyncio.gather(
            *(create_price(draft, account, publishable_key, tier, product_id) for tier, product_id in group),
            return_exceptions=True,
        )
        for (tier, _), result in zip(group, results, strict=True):
            if isinstance(result, BaseException):
                raise result
            prices[tier.name] = result
    return prices
