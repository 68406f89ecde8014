"""Effects of the outbox on R2: they delete images that no tier shows any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dream.db import owned_projects
from dream.domain.images import asset_prefix, is_asset_key
from dream.runtime.context import Context
from dream.services.outbox.runner import Effect

KEYS_PER_DELETE = 1000
"""R2 deletes at most this many keys in one call."""


async def _delete_image(context: Context, payload: Mapping[str, Any]) -> None:
    """Deletes an image of the platform by its URL, unless one of its tiers shows the image."""
    platform_id, url = payload["platformId"], payload["url"]
    key = url.rpartition("/")[2]
    if not is_asset_key(key) or not key.startswith(asset_prefix(platform_id)):
        return
    if not await owned_projects.shows_image(context.db, platform_id, url):
        await context.images.delete([key])


async def _delete_images(context: Context, payload: Mapping[str, Any]) -> None:
    """Deletes all images of a platform or a project that was deleted."""
    keys = await context.images.list(asset_prefix(payload["owner"]))
    for start in range(0, len(keys), KEYS_PER_DELETE):
        await context.images.delete(keys[start : start + KEYS_PER_DELETE])


EFFECTS: Mapping[str, Effect] = {"delete_image": _delete_image, "delete_images": _delete_images}
