"""Effects on Clerk users that the outbox carries out. A user who is gone owes nothing and is owed nothing.

What a token shows of a plan is a courtesy: D1 decides. But no project's wish touches a user of another one, whoever named them:
metadata that name a project are only set for its own users and for users of none, and `onlyOf` in a payload wants its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dream.bindings import Bound
from dream.clients.clerk import Clerk
from dream.context import Context
from dream.db import outbox
from dream.outbox import Effect
from dream.settings import ClerkName


def set_public_metadata(instance: ClerkName, user_id: str, public_metadata: Mapping[str, Any], now: str) -> Bound:
    """Owe: the user's public metadata have these values; other keys stay.

    A newer wish for the user replaces an older one, but no project's wish replaces another's.
    """
    project = public_metadata.get("publishableKey")
    return outbox.enqueue(
        "set_public_metadata",
        f"{instance}:{user_id}" if project is None else f"{instance}:{user_id}:{project}",
        {"instance": instance, "userId": user_id, "publicMetadata": dict(public_metadata)},
        now,
    )


def delete_user(instance: ClerkName, user_id: str, now: str) -> Bound:
    """Owe: the user is gone."""
    return outbox.enqueue("delete_user", f"{instance}:{user_id}", {"instance": instance, "userId": user_id}, now)


async def _set_public_metadata(context: Context, payload: Mapping[str, Any]) -> None:
    clerk = Clerk(context, context.settings.clerk(payload["instance"]))
    user_id, wanted = payload["userId"], payload["publicMetadata"]
    project = payload.get("onlyOf") or wanted.get("publishableKey")
    if project is not None:
        user = await clerk.get_user(user_id)
        belongs = (project,) if "onlyOf" in payload else (None, project)
        if user is None or user.publishable_key not in belongs:
            return
    await clerk.merge_metadata(user_id, public=wanted)


async def _delete_user(context: Context, payload: Mapping[str, Any]) -> None:
    clerk = Clerk(context, context.settings.clerk(payload["instance"]))
    if "onlyOf" in payload:
        user = await clerk.get_user(payload["userId"])
        if user is None or user.publishable_key != payload["onlyOf"]:
            return
    await clerk.delete_user(payload["userId"])


EFFECTS: Mapping[str, Effect] = {"set_public_metadata": _set_public_metadata, "delete_user": _delete_user}
