"""What a checkout of a cart needs to know first, in one round trip: the products, and the account they are sold on."""

from __future__ import annotations

from dream.bindings import Database, Row
from dream.db import connected_accounts
from dream.db.tiers import LIST_OF_PROJECT


async def read(db: Database, publishable_key: str, platform_id: str, mode: str) -> tuple[list[Row], str | None]:
    """The project's tiers as they are now, and the connected account's id, None when there is none."""
    tiers, accounts = await db.batch(
        [LIST_OF_PROJECT.bind(publishable_key), connected_accounts.of_platform(platform_id, mode)]
    )
    return tiers, accounts[0]["stripeUserId"] if accounts else None
