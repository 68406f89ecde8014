"""`user.deleted`: whoever is gone at Clerk leaves every project of the instance's mode; their subscriptions are owed an end."""

from __future__ import annotations

from dream.auth.membership import forget_membership
from dream.db import end_users
from dream.domain.keys import Mode
from dream.runtime.bindings import Bound
from dream.runtime.context import Context
from dream.services.end_users.removal import removal_statements
from dream.webhooks.processing import Event, Handled, ignored


async def deleted(context: Context, event: Event) -> Handled:
    """A repeated event finds nobody."""
    user_id: str = event.object["id"]
    mode: Mode = "live" if event.livemode else "test"
    publishable_keys = await end_users.list_projects_of_clerk_user(context.db, user_id, mode)
    if not publishable_keys:
        return ignored("a user of no project")
    now = context.now()
    statements: list[Bound] = []
    for publishable_key in publishable_keys:
        statements += removal_statements(publishable_key, user_id, now)

    async def after_commit() -> None:
        for publishable_key in publishable_keys:
            forget_membership(publishable_key, user_id)

    return Handled(statements, after_commit=after_commit)
