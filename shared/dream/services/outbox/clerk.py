"""Effects on Clerk users that the outbox carries out. A user who is gone owes nothing and is owed nothing.

What a token shows of a plan is a courtesy: D1 decides. Effects exist for proven members only (`db.clerk_effects`). They ask Clerk
once more: metadata that name a project are set only for its own users and for users of none, and `onlyOf` wants its own.

Payloads have `instance` and `userId`. Subjects of the outbox name the project too, so that no project's wish replaces another's.
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
    user_id, wanted = payload["userId"], payload["publicMetadata"]
    project = payload.get("onlyOf") or wanted.get("publishableKey")
    if project is not None:
        user = await clerk.get_user(user_id)
        belongs = (project,) if "onlyOf" in payload else (None, project)
        if user is None or user.publishable_key not in belongs:
            return
    changed = await clerk.merge_metadata(user_id, public=wanted)
    if changed is not None and wanted.get("publishableKey") is not None:
        await end_users.record_profile(context.db, changed, context.now())


async def _delete_user(context: Context, payload: Mapping[str, Any]) -> None:
    clerk = Clerk(context, context.settings.clerk(payload["instance"]))
    if "onlyOf" in payload:
        user = await clerk.get_user(payload["userId"])
        if user is None or user.publishable_key != payload["onlyOf"]:
            return
    await clerk.delete_user(payload["userId"])


EFFECTS: Mapping[str, Effect] = {"set_public_metadata": _set_public_metadata, "delete_user": _delete_user}
