"""Tiers: what a project sells, and what it allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

BillingMode: TypeAlias = Literal["subscription", "one_off"]
Limit: TypeAlias = "int | Literal['unlimited']"

DEFAULT_TIER_NAME = "free"


@dataclass(frozen=True, slots=True)
class Tier:
    """One tier. `limit` None: unlimited. `inventory` None: not tracked. `price` is minor units of `currency`."""

    name: str
    display_name: str
    description: str
    price: int
    currency: str
    limit: int | None
    billing_mode: BillingMode
    price_id: str | None
    product_id: str | None
    features: tuple[str, ...]
    popular: bool
    trial_days: int
    image_url: str | None
    inventory: int | None

    @property
    def sold_out(self) -> bool:
        return self.inventory is not None and self.inventory <= 0

    def to_json(self) -> dict[str, Any]:
        """As `GET /api/tiers` shows the tier."""
        return {
            "id": self.name,
            "name": self.name,
            "displayName": self.display_name,
            "price": self.price,
            "currency": self.currency,
            "limit": shown_limit(self.limit),
            "features": list(self.features),
            "description": self.description,
            "popular": self.popular,
            "priceId": self.price_id,
            "stripePriceId": self.price_id,
            "productId": self.product_id,
            "trialDays": self.trial_days,
            "billingMode": self.billing_mode,
            "imageUrl": self.image_url,
            "inventory": self.inventory,
            "soldOut": self.sold_out,
        }


def shown_limit(limit: int | None) -> Limit:
    """The limit as the API shows it."""
    return "unlimited" if limit is None else limit


def find_tier(tiers: Sequence[Tier], named: str) -> Tier | None:
    """The tier with that slug, else the one with that display name. Case does not matter."""
    wanted = named.strip().casefold()
    for tier in tiers:
        if tier.name == wanted:
            return tier
    for tier in tiers:
        if tier.display_name.casefold() == wanted:
            return tier
    return None


def default_tier(tiers: Sequence[Tier]) -> Tier | None:
    """The tier of users without a plan: the one named `free`, else the cheapest subscription tier. As in `db.plan_in_force`."""
    subscription_tiers = [tier for tier in tiers if tier.billing_mode == "subscription"]
    return min(
        subscription_tiers, key=lambda tier: (tier.name != DEFAULT_TIER_NAME, tier.price, tier.name), default=None
    )
