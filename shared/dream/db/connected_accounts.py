"""Which Stripe account a platform connected in a mode (`stripe_tokens`), and which projects the account's events may name."""

from __future__ import annotations

from dataclasses import dataclass

from dream.domain.connected_account import ConnectedAccount
from dream.domain.keys import Mode
from dream.runtime.bindings import Bound, Database, Row, Sql

# Finds the account that a platform has connected in a mode.
ACCOUNT_OF_PLATFORM = Sql("""
SELECT platformId, mode, stripeUserId FROM stripe_tokens
WHERE platformId = ?1 AND mode = ?2 AND status = 'connected'
""")

# Finds the platform that has connected an account, or had connected it last. The account's id identifies the platform.
PLATFORM_OF_ACCOUNT = Sql("SELECT platformId, status FROM stripe_tokens WHERE stripeUserId = ?1 AND mode = ?2")

# Finds a project if its platform has connected this account in the project's mode. It finds no other project.
PROJECT_OF_ACCOUNT = Sql("""
SELECT p.platformId
FROM stripe_tokens t JOIN projects p ON p.platformId = t.platformId AND p.mode = t.mode
WHERE t.stripeUserId = ?1 AND t.mode = ?2 AND t.status = 'connected' AND p.publishableKey = ?3
""")

# For the schedule, over all platforms: lists connected accounts behind the platform ?1 and mode ?2.
LIST_CONNECTED = Sql("""
SELECT platformId, mode, stripeUserId FROM stripe_tokens
WHERE status = 'connected' AND (platformId, mode) > (?1, ?2) ORDER BY platformId, mode LIMIT ?3
""")


@dataclass(frozen=True, slots=True)
class AccountHolder:
    """The platform that connected an account. `is_connected` is False after it disconnected the account."""

    platform_id: str
    is_connected: bool


def _account_from(row: Row) -> ConnectedAccount:
    return ConnectedAccount(row["platformId"], row["stripeUserId"], row["mode"])


def of_platform(platform_id: str, mode: str) -> Bound:
    """The statement that finds the platform's account in this mode. `account_from` reads its rows."""
    return ACCOUNT_OF_PLATFORM.bind(platform_id, mode)


def account_from(rows: list[Row]) -> ConnectedAccount | None:
    """What `of_platform` found. For modules of `db` only."""
    return _account_from(rows[0]) if rows else None


async def find_holder(db: Database, account_id: str, mode: Mode) -> AccountHolder | None:
    """The platform that connected this account in this mode. None if no platform ever did."""
    row = await db.first(PLATFORM_OF_ACCOUNT, account_id, mode)
    return None if row is None else AccountHolder(row["platformId"], row["status"] == "connected")


async def find_for_project(db: Database, account_id: str, mode: Mode, publishable_key: str) -> ConnectedAccount | None:
    """The account, if the project's platform has connected it in this mode. Otherwise its events may not name the project."""
    row = await db.first(PROJECT_OF_ACCOUNT, account_id, mode, publishable_key)
    return None if row is None else ConnectedAccount(row["platformId"], account_id, mode)


async def list_connected(db: Database, after: tuple[str, str], count: int) -> list[ConnectedAccount]:
    """Up to `count` connected accounts of all platforms, behind `after` (platform id, mode)."""
    return [_account_from(row) for row in await db.all(LIST_CONNECTED, *after, count)]
