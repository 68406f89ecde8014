"""Events of the developers' Clerk instance, one module per event, named as Clerk names it."""

from __future__ import annotations

from collections.abc import Mapping

from dream.webhooks.processing import EventHandler
from front_auth_api.clerk_events import user_deleted, user_updated

HANDLERS: Mapping[str, EventHandler] = {
    "user.created": user_updated.updated,
    "user.updated": user_updated.updated,
    "user.deleted": user_deleted.deleted,
}
