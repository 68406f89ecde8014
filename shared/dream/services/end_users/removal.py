"""What goes when an end user leaves a project, in one batch: what they owe and are owed at Stripe, their counts, their row.

Orders and payments stay: they are the seller's books.
"""

from __future__ import annotations

from dream.db import checkout_sessions, deleted_end_users, end_users, subscriptions, usage
from dream.runtime.bindings import Bound


def leave(publishable_key: str, user_id: str, now: str) -> list[Bound]:
    """The last statement has a row with the user's email, or none when there is no such user."""
    return [
        deleted_end_users.record(publishable_key, user_id, now),
        subscriptions.owe_canceling_of_user(publishable_key, user_id, now),
        checkout_sessions.owe_expiring_of_user(publishable_key, user_id, now),
        subscriptions.delete_of_user(publishable_key, user_id),
        checkout_sessions.delete_of_user(publishable_key, user_id),
        usage.DELETE_OF_USER.bind(publishable_key, user_id),
        end_users.delete(publishable_key, user_id),
    ]
