"""What a checkout of a cart needs to know first, in one round trip: the products, the account they are sold on, the shop's pages."""

from __future__ import annotations

from dataclasses import dataclass

from dream.db import connected_accounts, projects
from dream.db.tiers import LIST_OF_PROJECT
from dream.runtime.bindings import Database, Row


@dataclass(frozen=True, slots=True)
class StoreFront:
    """Rows of the project's tiers, the connected account (None: there is none), and the origins that are registered."""

    tiers: list[Row]
    account_id: str | None
    origins: list[str]


async def read(db: Database, publishable_key: str, platform_id: str, mode: str) -> StoreFront:
    """All of it as it is now."""
    tiers, accounts, origins = await db.batch(
        [
            LIST_OF_PROJECT.bind(publishable_key),
            connected_accounts.of_platform(platform_id, mode),
            projects.list_origins(publishable_key),
        ]
    )
    account_id = accounts[0]["stripeUserId"] if accounts else None
    return StoreFront(tiers, account_id, [row["origin"] for row in origins])
