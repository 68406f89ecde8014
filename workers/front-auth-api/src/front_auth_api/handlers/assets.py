"""`POST /upload-asset`: stores images of a developer's products. api-multi serves them."""

from __future__ import annotations

from dream.auth.principal import Developer
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime.context import Context
from dream.services.images import uploads
from front_auth_api.handlers.platforms import platform_of


async def upload_asset(context: Context, request: Request, developer: Developer) -> Response:
    """Stores one image under the id of the developer's platform."""
    platform = await platform_of(context, developer)
    upload = await uploads.uploaded_image(request)
    key, url = await uploads.store(context, platform.platform_id, upload)
    properties = {"contentType": upload.image_type.content_type, "size": len(upload.content)}
    return json_response({"success": True, "key": key, "url": url, **properties})
