"""`stripe_tokens`: the Stripe account that a platform connected in each mode. `connected_accounts` finds accounts for events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from dream.runtime.bindings import Bound, Database, Sql

ConnectionStatus: TypeAlias = Literal["connected", "revoked"]
"""`stripe_tokens.status`."""

# Reads the id of the connected account of a platform in a mode.
ACCOUNT_OF = Sql("""
SELECT stripeUserId AS answer FROM stripe_tokens WHERE platformId = ?1 AND mode = ?2 AND status = 'connected'
""")

# Lists the connected accounts of a platform.
ACCOUNTS_OF = Sql("SELECT mode, stripeUserId FROM stripe_tokens WHERE platformId = ?1 AND status = 'connected'")

# Whether any platform has connected the account. It has no platformId in WHERE, because it asks about all platforms.
IS_CONNECTED = Sql("""
SELECT 1 AS answer FROM stripe_tokens WHERE stripeUserId = ?1 AND mode = ?2 AND status = 'connected'
""")

# Deletes the row of another platform that has disconnected this account, because an account has only one row per mode.
DELETE_REVOKED_OF_OTHERS = Sql("""
DELETE FROM stripe_tokens WHERE stripeUserId = ?1 AND mode = ?2 AND platformId <> ?3 AND status = 'revoked'
""")

# Connects an account. Changes nothing while the platform has another account connected. UNIQUE (stripeUserId, mode) raises if
# another platform has this account connected.
CONNECT = Sql("""
INSERT INTO stripe_tokens (platformId, mode, stripeUserId, scope, connectedAt)
SELECT platformId, ?2, ?3, ?4, ?5 FROM platforms WHERE platformId = ?1 AND deletedAt IS NULL
ON CONFLICT (platformId, mode) DO UPDATE SET
  stripeUserId = excluded.stripeUserId, scope = excluded.scope, status = 'connected',
  connectedAt = excluded.connectedAt, revokedAt = NULL
WHERE status = 'revoked' OR stripeUserId = excluded.stripeUserId
""")

# Comes after CONNECT: records the connection in the audit log, if there is one now. Returns a row if it did.
RECORD_CONNECTED = Sql("""
INSERT INTO audit_log (platformId, actor, action, details, createdAt)
SELECT platformId, ?4, 'stripe.connected', json_object('mode', mode, 'account', stripeUserId), ?5 FROM stripe_tokens
WHERE platformId = ?1 AND mode = ?2 AND stripeUserId = ?3 AND status = 'connected' AND connectedAt = ?5
RETURNING createdAt
""")

# Marks the connection of a platform as revoked.
REVOKE = Sql("""
UPDATE stripe_tokens SET status = 'revoked', revokedAt = ?4
WHERE platformId = ?1 AND mode = ?2 AND stripeUserId = ?3 AND status = 'connected'
""")


async def accounts_of(db: Database, platform_id: str) -> Mapping[str, str]:
    """The connected accounts of a platform by mode."""
    return {row["mode"]: row["stripeUserId"] for row in await db.all(ACCOUNTS_OF, platform_id)}


async def account_of(db: Database, platform_id: str, mode: str) -> str | None:
    """The id of the account that the platform has connected in this mode."""
    return await db.value(ACCOUNT_OF, platform_id, mode)


async def is_connected(db: Database, account: str, mode: str) -> bool:
    """Whether any platform has connected the account."""
    return await db.value(IS_CONNECTED, account, mode) is not None


async def connect(
    db: Database,
    platform_id: str,
    mode: str,
    account: str,
    scope: str,
    actor: str,
    now: str,
    *,
    also: Sequence[Bound] = (),
) -> bool:
    """Connects the account and records it in the audit log. `also` runs in the same batch.

    Returns False if the platform has another account connected in this mode, or was deleted. Raises ConstraintFailed if another
    platform has this account connected.
    """
    _, _, recorded, *_ = await db.batch(
        [
            DELETE_REVOKED_OF_OTHERS.bind(account, mode, platform_id),
            CONNECT.bind(platform_id, mode, account, scope, now),
            RECORD_CONNECTED.bind(platform_id, mode, account, actor, now),
            *also,
        ]
    )
    return bool(recorded)


def revoke(platform_id: str, mode: str, account: str, now: str) -> Bound:
    """Disconnects the account from the platform. Its projects and their data stay."""
    return REVOKE.bind(platform_id, mode, account, now)
