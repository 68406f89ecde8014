"""Removes an end user from a project: the subscription and open checkout at Stripe, the counts, the row.

Orders and payments stay: they are the developer's accounts.
"""

from __future__ import annotations

from dream.db import checkout_sessions, deleted_end_users, end_users, subscriptions, usage
from dream.runtime.bindings import Bound


def removal_statements(publishable_key: str, user_id: str, now: str) -> list[Bound]:
    """The statements of one batch. `end_users.deleted_user_from` reads the rows of the last one."""
    return [
        deleted_end_users.record(publishable_key, user_id, now),
        subscriptions.enqueue_canceling_of_user(publishable_key, user_id, now),
        checkout_sessions.enqueue_expiring_of_user(publishable_key, user_id, now),
        subscriptions.delete_of_user(publishable_key, user_id),
        checkout_sessions.delete_of_user(publishable_key, user_id),
        usage.delete_of_user(publishable_key, user_id),
        end_users.delete(publishable_key, user_id),
    ]
