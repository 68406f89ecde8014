"""`stripe_tokens`: which Stripe account a platform has connected in a mode. Written here; events look accounts up elsewhere."""

from __future__ import annotations

from typing import Literal, TypeAlias

from dream.runtime.bindings import Bound, Database, Sql

ConnectionStatus: TypeAlias = Literal["connected", "revoked"]
"""`stripe_tokens.status`."""

ACCOUNT_OF = Sql("""
SELECT stripeUserId AS answer FROM stripe_tokens WHERE platformId = ?1 AND mode = ?2 AND status = 'connected'
""")

ACCOUNTS_OF = Sql("SELECT mode, stripeUserId FROM stripe_tokens WHERE platformId = ?1 AND status = 'connected'")

# By Stripe's own id: what is asked is whether anybody may act on the account.
IS_CONNECTED = Sql("""
SELECT 1 AS answer FROM stripe_tokens WHERE stripeUserId = ?1 AND mode = ?2 AND status = 'connected'
""")

# By Stripe's own id: the row of a developer who gave the account up stands in nobody's way.
FREE_ACCOUNT = Sql("""
DELETE FROM stripe_tokens WHERE stripeUserId = ?1 AND mode = ?2 AND platformId <> ?3 AND status = 'revoked'
""")

# Not while another account is connected: that one is disconnected first. UNIQUE (stripeUserId, mode) keeps others' accounts.
CONNECT = Sql("""
INSERT INTO stripe_tokens (platformId, mode, stripeUserId, scope, connectedAt)
SELECT platformId, ?2, ?3, ?4, ?5 FROM platforms WHERE platformId = ?1 AND deletedAt IS NULL
ON CONFLICT (platformId, mode) DO UPDATE SET
  stripeUserId = excluded.stripeUserId, scope = excluded.scope, status = 'connected',
  connectedAt = excluded.connectedAt, revokedAt = NULL
WHERE status = 'revoked' OR stripeUserId = excluded.stripeUserId
""")

# Whose account it is after CONNECT: nobody's line is written when it came to nothing.
RECORD_CONNECTED = Sql("""
INSERT INTO audit_log (platformId, actor, action, details, createdAt)
SELECT platformId, ?4, 'stripe.connected', json_object('mode', mode, 'account', stripeUserId), ?5 FROM stripe_tokens
WHERE platformId = ?1 AND mode = ?2 AND stripeUserId = ?3 AND status = 'connected' AND connectedAt = ?5
RETURNING createdAt
""")

REVOKE = Sql("""
UPDATE stripe_tokens SET status = 'revoked', revokedAt = ?4
WHERE platformId = ?1 AND mode = ?2 AND stripeUserId = ?3 AND status = 'connected'
""")


async def accounts_of(db: Database, platform_id: str) -> dict[str, str]:
    """The connected accounts of a platform by mode."""
    rows = await db.all(ACCOUNTS_OF, platform_id)
    return {row["mode"]: row["stripeUserId"] for row in rows}


async def account_of(db: Database, platform_id: str, mode: str) -> str | None:
    """The id of the account that the platform has connected in this mode."""
    return await db.value(ACCOUNT_OF, platform_id, mode)


async def is_connected(db: Database, account: str, mode: str) -> bool:
    """Whether some platform has connected the account."""
    return await db.value(IS_CONNECTED, account, mode) is not None


def connect(platform_id: str, mode: str, account: str, scope: str, actor: str, now: str) -> list[Bound]:
    """Connect the account, and say so in the audit log. The last statement has no row when another one is connected.

    The batch is refused (ConstraintFailed) when another platform has connected this account.
    """
    return [
        FREE_ACCOUNT.bind(account, mode, platform_id),
        CONNECT.bind(platform_id, mode, account, scope, now),
        RECORD_CONNECTED.bind(platform_id, mode, account, actor, now),
    ]


def revoke(platform_id: str, mode: str, account: str, now: str) -> Bound:
    """The platform gives the account up. Projects and their data stay."""
    return REVOKE.bind(platform_id, mode, account, now)
