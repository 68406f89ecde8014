"""`user.updated`: stores the email address and the names that Clerk has now, in the project that the user belongs to."""

from __future__ import annotations

from dream.db import end_users
from dream.domain.clerk_objects import ClerkUser
from dream.domain.keys import is_well_formed, mode_of
from dream.runtime.context import Context
from dream.webhooks.processing import Event, Handled, ignored, rejected


async def updated(context: Context, event: Event) -> Handled:
    """The newest state of the user wins, in whatever order the events arrive."""
    user = ClerkUser.from_clerk(event.object)
    if user.publishable_key is None:
        return ignored("the user belongs to no project")
    if not is_well_formed(user.publishable_key, "pk"):
        return rejected("the metadata name no valid publishable key")
    if (mode_of(user.publishable_key) == "live") != event.livemode:
        return rejected("the metadata name a project of the other mode")
    return Handled([end_users.set_profile(user, context.now())])
