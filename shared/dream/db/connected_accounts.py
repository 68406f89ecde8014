"""Which Stripe account a platform connected in a mode (`stripe_tokens`), and which projects that account's events may name."""

from __future__ import annotations

from dream.runtime.bindings import Bound, Database, Row, Sql

ACCOUNT_OF_PLATFORM = Sql("""
SELECT platformId, mode, stripeUserId FROM stripe_tokens
WHERE platformId = ?1 AND mode = ?2 AND status = 'connected'
""")

# By Stripe's own id: it is what tells the platform.
PLATFORM_OF_ACCOUNT = Sql("SELECT platformId, status FROM stripe_tokens WHERE stripeUserId = ?1 AND mode = ?2")

# The project belongs to the platform that connected this account, in this mode; any other finds nothing.
PROJECT_OF_ACCOUNT = Sql("""
SELECT p.publishableKey, p.platformId, p.mode, p.projectType, p.name
FROM stripe_tokens t JOIN projects p ON p.platformId = t.platformId AND p.mode = t.mode
WHERE t.stripeUserId = ?1 AND t.mode = ?2 AND t.status = 'connected' AND p.publishableKey = ?3
""")

LIST_CONNECTED = Sql("""
SELECT platformId, mode, stripeUserId FROM stripe_tokens
WHERE status = 'connected' AND (platformId, mode) > (?1, ?2) ORDER BY platformId, mode LIMIT ?3
""")


def of_platform(platform_id: str, mode: str) -> Bound:
    """The account that the platform connected in this mode, if it still is."""
    return ACCOUNT_OF_PLATFORM.bind(platform_id, mode)


async def platform_of(db: Database, account: str, mode: str) -> Row | None:
    """Whose account it is, and whether it is still connected."""
    return await db.first(PLATFORM_OF_ACCOUNT, account, mode)


async def project_of(db: Database, account: str, mode: str, publishable_key: str) -> Row | None:
    """The project, if this account may speak of it in this mode."""
    return await db.first(PROJECT_OF_ACCOUNT, account, mode, publishable_key)


async def list_connected(db: Database, after: tuple[str, str], count: int) -> list[Row]:
    """Connected accounts of all platforms, for the schedule: those behind `after` (platform id, mode)."""
    return await db.all(LIST_CONNECTED, *after, count)
