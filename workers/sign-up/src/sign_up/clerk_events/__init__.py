"""Events of the end users' Clerk instances, one module per event, named as Clerk names it."""

from __future__ import annotations

from collections.abc import Mapping

from dream.webhooks.processing import EventHandler
from sign_up.clerk_events import user_deleted, user_updated

HANDLERS: Mapping[str, EventHandler] = {
    "user.updated": user_updated.updated,
    "user.deleted": user_deleted.deleted,
}
