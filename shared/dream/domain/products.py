"""Products: the one-off tiers of a store."""

from __future__ import annotations

from typing import Any

from dream.domain.tiers import Tier

LOW_STOCK = 5
"""A product with this many units or fewer has low stock."""


def product_json(tier: Tier) -> dict[str, Any]:
    """As `GET /api/products` shows the product. `available`: it can be bought now. `inventory` None: not tracked."""
    return {
        "id": tier.name,
        "key": tier.name,
        "name": tier.name,
        "displayName": tier.display_name,
        "description": tier.description,
        "price": tier.price,
        "currency": tier.currency,
        "imageUrl": tier.image_url,
        "inventory": tier.inventory,
        "available": tier.price_id is not None and not tier.sold_out,
        "soldOut": tier.sold_out,
        "priceId": tier.price_id,
        "productId": tier.product_id,
        "features": list(tier.features),
        "popular": tier.popular,
    }


def is_low(tier: Tier) -> bool:
    """Whether the tier is a product with low stock."""
    return tier.billing_mode == "one_off" and tier.inventory is not None and tier.inventory <= LOW_STOCK
