"""`POST /api/assets` stores a product image; `GET /api/assets/:key` serves it to anybody."""

from __future__ import annotations

from dream.auth.principal import Nobody, ProjectCaller
from dream.domain.images import CACHE_CONTROL, content_type_of, is_asset_key
from dream.errors import NotFound
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime.context import Context
from dream.services.images import uploads

# A browser that opens an image alone treats it as a document of this origin. The policy lets it do nothing there.
_SERVED = {"Cache-Control": CACHE_CONTROL, "Content-Security-Policy": "default-src 'none'; sandbox"}


async def upload(context: Context, request: Request, caller: ProjectCaller) -> Response:
    """Stores an image under the hash of its content, so the same image is stored once."""
    image = await uploads.uploaded_image(request)
    key, url = await uploads.store(context, caller.project.publishable_key, image)
    stored = {"key": key, "url": url, "contentType": image.image_type.content_type, "size": len(image.content)}
    return json_response({"success": True, **stored})


async def serve(context: Context, request: Request, caller: Nobody) -> Response:
    """The image, or 304 if the caller's cache has it."""
    key = request.params["key"]
    stored = await context.images.get(key) if is_asset_key(key) else None
    if stored is None:
        raise NotFound()
    headers = {**_SERVED, "ETag": f'"{key.split(".")[1]}"'}
    if _is_cached(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(304, None, headers=headers)
    return Response(200, stored.body, content_type_of(key), headers)


def _is_cached(if_none_match: str | None, etag: str) -> bool:
    """Whether If-None-Match names the tag. RFC 9110, 13.1.2: a list of tags, weak ones included, or an asterisk."""
    if if_none_match is None:
        return False
    return any(tag.strip().removeprefix("W/") in (etag, "*") for tag in if_none_match.split(","))
