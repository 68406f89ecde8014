"""`user.deleted`: deletes the developer's platform with its projects, keys and data, and enqueues the clean-up elsewhere."""

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
"""How long the platform keeps its access to the connected accounts, so that the outbox can clean up there."""


async def deleted(context: Context, event: Event) -> Handled:
    """A late or repeated event changes nothing."""
    user_id: str = event.object["id"]
    now = context.now()
    platform = await platforms.find_by_clerk_user(context.db, user_id)
    if platform is None:
        return Handled([platforms.soft_delete(make_id("plt", os.urandom), user_id, now)])
    platform_id = platform.platform_id
    keys = await api_keys.keys_of_platform(context.db, platform_id)
    mode, revoke_at = context.settings.platform_stripe_mode, iso(context.now_seconds() + REVOKE_AFTER_SECONDS)

    async def after_commit() -> None:
        await project_keys.forget(context, keys.publishable_keys, keys.secret_key_hashes)
        await shown_keys.drop(context.kv, user_id, "test")
        await shown_keys.drop(context.kv, user_id, "live")
        context.deliver_soon()

    return Handled(
        [
            *owned_projects.enqueue_clean_up(platform_id, None, now),
            outbox.enqueue("delete_images", platform_id, {"owner": platform_id}, now),
            owned_projects.delete_all(platform_id),
            *platforms.remove_from_stripe(platform_id, mode, now, revoke_at),
            platforms.soft_delete(platform_id, user_id, now),
        ],
        after_commit=after_commit,
    )
