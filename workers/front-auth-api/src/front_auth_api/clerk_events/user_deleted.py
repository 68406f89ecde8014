"""`user.deleted`: the developer is gone. Projects, keys and data go with them; what remains elsewhere is owed."""

from __future__ import annotations

import os

from dream.auth import project_keys
from dream.db import api_keys, outbox, owned_projects, platforms
from dream.domain.keys import make_id
from dream.domain.timestamps import iso
from dream.kv import shown_keys
from dream.runtime.context import Context
from dream.webhooks.processing import Event, Handled

REVOKE_AFTER_SECONDS = 24 * 3600
"""How long the outbox has for the accounts' products and subscriptions before the platform gives up its access to them."""


async def deleted(context: Context, event: Event) -> Handled:
    """A late or repeated event of the same user finds them deleted and changes nothing."""
    user_id: str = event.object["id"]
    now = context.now()
    row = await platforms.find_by_clerk_user(context.db, user_id)
    if row is None:
        return Handled([platforms.mark_deleted(make_id("plt", os.urandom), user_id, now)])
    platform_id: str = row["platformId"]
    publishable_keys, secret_key_hashes = await api_keys.names_of_platform(context.db, platform_id)
    mode, later = context.settings.platform_stripe_mode, iso(context.now_seconds() + REVOKE_AFTER_SECONDS)

    async def after_commit() -> None:
        await project_keys.forget(context, publishable_keys, secret_key_hashes)
        await shown_keys.drop(context.kv, user_id, "test")
        await shown_keys.drop(context.kv, user_id, "live")
        context.deliver_soon()

    return Handled(
        [
            *owned_projects.owe_cleaning_up(platform_id, None, now),
            outbox.enqueue("delete_images", platform_id, {"owner": platform_id}, now),
            owned_projects.delete_all(platform_id),
            *platforms.owe_leaving(platform_id, mode, now, later),
            platforms.mark_deleted(platform_id, user_id, now),
        ],
        after_commit=after_commit,
    )
