"""Tiers: what a project sells, and what it allows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast, get_args

ProjectType: TypeAlias = Literal["saas", "store"]
BillingMode: TypeAlias = Literal["subscription", "one_off"]

PROJECT_TYPES: tuple[ProjectType, ...] = get_args(ProjectType)
Limit: TypeAlias = "int | Literal['unlimited']"

DEFAULT_TIER_NAME = "free"


@dataclass(frozen=True, slots=True)
class Tier:
    """One tier. `limit` None is unlimited, `inventory` None is not tracked; `price` is minor units of `currency`."""

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

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Tier:
        return cls(
            name=row["name"],
            display_name=row["displayName"],
            description=row["description"],
            price=row["price"],
            currency=row["currency"],
            limit=row["limit"],
            billing_mode=cast("BillingMode", row["billingMode"]),
            price_id=row["priceId"],
            product_id=row["productId"],
            features=tuple(json.loads(row["features"])),
            popular=bool(row["popular"]),
            trial_days=row["trialDays"],
            image_url=row["imageUrl"],
            inventory=row["inventory"],
        )

    @property
    def sold_out(self) -> bool:
        return self.inventory is not None and self.inventory <= 0

    def to_json(self) -> dict[str, Any]:
        """As `GET /api/tiers` shows it."""
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
    return "unlimited" if limit is None else limit


def find_tier(tiers: Sequence[Tier], named: str) -> Tier | None:
    """The tier of that slug, else of that display name (whatever the case)."""
    wanted = named.strip().casefold()
    for tier in tiers:
        if tier.name == wanted:
            return tier
    for tier in tiers:
        if tier.display_name.casefold() == wanted:
            return tier
    return None


def default_tier(tiers: Sequence[Tier]) -> Tier | None:
    """The tier of users who pay nothing: the one named `free`, else the cheapest subscription tier."""
    offered = [tier for tier in tiers if tier.billing_mode == "subscription"]
    return min(offered, key=lambda tier: (tier.name != DEFAULT_TIER_NAME, tier.price), default=None)
