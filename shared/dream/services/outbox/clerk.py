"""Effects of the outbox on Clerk users. For a user whom Clerk has deleted there is nothing to do.

D1 decides which plan is in force; the plan in the metadata at Clerk only lets a client show it. `db.clerk_effects` enqueues effects
for proven members only. The effects check the user at Clerk once more: metadata that name a project are set only for a user of that
project or of none, and an effect with `onlyOf` acts only on a user of that project.

Payloads have `instance` and `userId`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dream.clients.clerk import Clerk
from dream.db import end_users
from dream.runtime.context import Context
from dream.services.outbox.runner import Effect


async def _set_public_metadata(context: Context, payload: Mapping[str, Any]) -> None:
    clerk = Clerk(context, context.settings.clerk(payload["instance"]))
    user_id, metadata = payload["userId"], payload["publicMetadata"]
    project = payload.get("onlyOf") or metadata.get("publishableKey")
    if project is not None:
        user = await clerk.get_user(user_id)
        allowed = (project,) if "onlyOf" in payload else (None, project)
        if user is None or user.publishable_key not in allowed:
            return
    changed = await clerk.merge_metadata(user_id, public=metadata)
    if changed is not None and metadata.get("publishableKey") is not None:
        await end_users.record_profile(context.db, changed, context.now())


async def _delete_user(context: Context, payload: Mapping[str, Any]) -> None:
    clerk = Clerk(context, context.settings.clerk(payload["instance"]))
    if "onlyOf" in payload:
        user = await clerk.get_user(payload["userId"])
        if user is None or user.publishable_key != payload["onlyOf"]:
            return
    await clerk.delete_user(payload["userId"])


EFFECTS: Mapping[str, Effect] = {"set_public_metadata": _set_public_metadata, "delete_user": _delete_user}
