"""`subscription_syncs`: the order of reads of one subscription at Stripe.

Each read takes a number before it begins. What was read is stored only if no read with a later number was stored, in one batch with
`mark_applied`. The statements take ids of subscriptions on dream-api's own account or a connected one, before the owner
is known.
"""

from __future__ import annotations

from dream.runtime.bindings import Bound, Database, Row, Sql

# Issues the next number of a subscription.
ISSUE = Sql("""
INSERT INTO subscription_syncs (subscriptionId, issued) VALUES (?1, 1)
ON CONFLICT (subscriptionId) DO UPDATE SET issued = issued + 1
RETURNING issued AS answer
""")

# Marks the read with number ?2 as stored.
MARK_APPLIED = Sql("UPDATE subscription_syncs SET applied = ?2 WHERE subscriptionId = ?1 AND applied < ?2")

IS_NEWEST = "(SELECT applied FROM subscription_syncs WHERE subscriptionId = {subscription}) < {number}"
"""The condition of statements that store a read. `subscription` and `number` are their parameters."""


def number_from(rows: list[Row]) -> int:
    """The number that ISSUE returned. For modules of `db` only."""
    return rows[0]["answer"]


async def issue(db: Database, subscription_id: str) -> int:
    """The number of a read that begins after this call."""
    return await db.value(ISSUE, subscription_id)


def mark_applied(subscription_id: str, number: int) -> Bound:
    """Marks the read as stored. Stands last in the batch that stores it."""
    return MARK_APPLIED.bind(subscription_id, number)
