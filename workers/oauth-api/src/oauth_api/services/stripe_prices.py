"""What a tier is at Stripe: a product and its present price, on the developer's connected account."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dream.clients.stripe import StripeAccount
from dream.domain.tier_definitions import CURRENCY, TierDefinition
from dream.services.catalog.drafts import Draft

AT_ONCE = 4
"""Tiers made at the same time: a worker has six connections, and a Stripe sandbox takes 25 requests a second."""


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


async def create_price(
    draft: Draft, account: StripeAccount, publishable_key: str, tier: TierDefinition, product_id: str | None = None
) -> StripePrice:
    """Product and price of a tier; with a product that is there already only the price. Nothing is made for a free tier."""
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

    made_product_id = product_id or await draft.once(f"{tier.name}:product", product)

    async def price(key: str) -> str:
        return await account.create_price(
            made_product_id,
            unit_amount=tier.price_cents,
            currency=CURRENCY,
            interval=tier.interval,
            metadata=metadata,
            idempotency_key=key,
        )

    return StripePrice(made_product_id, await draft.once(f"{tier.name}:price", price))


async def create_prices(
    draft: Draft,
    account: StripeAccount,
    publishable_key: str,
    tiers: Sequence[tuple[TierDefinition, str | None]],
) -> Mapping[str, StripePrice]:
    """Offers by tier name, for tiers with the product that they have already or None. Raises the first failure, when all are done."""
    prices: dict[str, StripePrice] = {}
    for start in range(0, len(tiers), AT_ONCE):
        group = tiers[start : start + AT_ONCE]
        results = await asyncio.gather(
            *(create_price(draft, account, publishable_key, tier, product_id) for tier, product_id in group),
            return_exceptions=True,
        )
        for (tier, _), result in zip(group, results, strict=True):
            if isinstance(result, BaseException):
                raise result
            prices[tier.name] = result
    return prices
