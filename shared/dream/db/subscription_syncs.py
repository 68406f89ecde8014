"""`subscription_syncs`: the order of reads of one subscription at Stripe.

A number is taken before each read; what was read is stored only while no later read has been, in one batch with `mark_applied`.
Subscription ids are Stripe's own, of the platform's account or a connected one, before it is known whose they are.
"""

from __future__ import annotations

from dream.runtime.bindings import Bound, Database, Sql

ISSUE = Sql("""
INSERT INTO subscription_syncs (subscriptionId, issued) VALUES (?1, 1)
ON CONFLICT (subscriptionId) DO UPDATE SET issued = issued + 1
RETURNING issued AS answer
""")

MARK_APPLIED = Sql("UPDATE subscription_syncs SET applied = ?2 WHERE subscriptionId = ?1 AND applied < ?2")

IS_NEWEST = "(SELECT applied FROM subscription_syncs WHERE subscriptionId = {subscription}) < {number}"
"""The condition of statements that store what was read; `subscription` and `number` are their placeholders."""


async def issue(db: Database, subscription_id: str) -> int:
    """The number of a read that is about to begin."""
    return await db.value(ISSUE, subscription_id)


def mark_applied(subscription_id: str, number: int) -> Bound:
    """Stands last in the batch that stores what was read."""
    return MARK_APPLIED.bind(subscription_id, number)
