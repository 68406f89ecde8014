"""`POST /upload-asset`: images of a developer's products, served by api-multi."""

from __future__ import annotations

from dream.auth.principal import Developer
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime.context import Context
from dream.services.images import uploads
from front_auth_api.handlers.platforms import platform_of


async def upload_asset(context: Context, request: Request, developer: Developer) -> Response:
    """Store one image under the developer's own prefix."""
    platform = await platform_of(context, developer)
    upload = await uploads.uploaded_image(request)
    key, url = await uploads.store(context, platform.platform_id, upload)
    shown = {"contentType": upload.image_type.content_type, "size": len(upload.content)}
    return json_response({"success": True, "key": key, "url": url, **shown})
