"""`stripe_tokens` as client apps' calls and Stripe's events need it: whose account it is, and whether it is still connected."""

from __future__ import annotations

from dream.bindings import Bound, Database, Row, Sql

# Not by publishable_key: all projects of a platform and mode sell on one account.
ACCOUNT_OF_PLATFORM = Sql("""
SELECT stripeUserId FROM stripe_tokens WHERE platformId = ?1 AND mode = ?2 AND status = 'connected'
""")

# What an event's account says of a project that its object names: is it of the platform that connected the account in this mode?
PROJECT_OF_ACCOUNT = Sql("""
SELECT p.publishableKey, p.platformId, p.projectType
FROM stripe_tokens s JOIN projects p ON p.platformId = s.platformId AND p.mode = s.mode
WHERE s.stripeUserId = ?1 AND s.mode = ?2 AND p.publishableKey = ?3
""")


def account_of_platform(platform_id: str, mode: str) -> Bound:
    """The statement that reads the connected account of a platform in a mode; no row when there is none."""
    return ACCOUNT_OF_PLATFORM.bind(platform_id, mode)


async def project_of_account(db: Database, account: str, mode: str, publishable_key: str) -> Row | None:
    """The project, if its platform connected this account in this mode."""
    return await db.first(PROJECT_OF_ACCOUNT, account, mode, publishable_key)
