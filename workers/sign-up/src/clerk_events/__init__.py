"""Events of the end users' Clerk instances, one module per event, named as Clerk names it."""

from __future__ import annotations

from collections.abc import Mapping

from clerk_events import user_deleted, user_updated
from dream.webhooks.processing import EventHandler

HANDLERS: Mapping[str, EventHandler] = {
    "user.updated": user_updated.updated,
    "user.deleted": user_deleted.deleted,
}
