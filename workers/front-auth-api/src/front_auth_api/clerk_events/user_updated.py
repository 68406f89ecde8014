"""`user.created`, `user.updated`: stores the developer's email address, and creates their platform if they have none."""

from __future__ import annotations

import os

from dream.db import platforms
from dream.domain.clerk_objects import ClerkUser
from dream.domain.keys import make_id
from dream.domain.timestamps import iso
from dream.runtime.context import Context
from dream.webhooks.processing import Event, Handled


async def updated(context: Context, event: Event) -> Handled:
    """The newest state of the user wins, in whatever order the events arrive."""
    user = ClerkUser.from_clerk(event.object)
    updated_at = iso(event.object["updated_at"] / 1000)
    platform_id = make_id("plt", os.urandom)
    return Handled([platforms.upsert_user(platform_id, user.id, user.email, updated_at, context.now())])
