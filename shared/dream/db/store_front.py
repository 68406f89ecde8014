"""What the checkout of a cart reads first, in one round trip: the products, the account that sells them, the redirect origins."""

from __future__ import annotations

from dataclasses import dataclass

from dream.db import connected_accounts, projects, tiers
from dream.domain.connected_account import ConnectedAccount
from dream.domain.tiers import Tier
from dream.runtime.bindings import Database


@dataclass(frozen=True, slots=True)
class StoreFront:
    """The project's products, its connected account (None: not connected), and its first redirect origin (None: no origin)."""

    products: tuple[Tier, ...]
    account: ConnectedAccount | None
    origin: str | None


async def read(db: Database, publishable_key: str, platform_id: str, mode: str) -> StoreFront:
    """The store as it is now."""
    tier_rows, accounts, origins = await db.batch(
        [
            tiers.LIST_OF_PROJECT.bind(publishable_key),
            connected_accounts.of_platform(platform_id, mode),
            projects.LIST_ORIGINS.bind(publishable_key),
        ]
    )
    products = tuple(tier for tier in tiers.tiers_from(tier_rows) if tier.billing_mode == "one_off")
    return StoreFront(products, connected_accounts.account_from(accounts), origins[0]["origin"] if origins else None)
